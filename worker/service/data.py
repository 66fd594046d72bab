"""The use cases about the data itself: places, copies, export, import, delete all.

Owns the order of their steps. Files are read and written off the loop; it must not know SQL.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from worker.contract.errors import InvalidInput, NotFound, StorageError
from worker.contract.events import DataReplaced
from worker.contract.system import Backup, DataPlaces, Transfer
from worker.contract.types import Chat
from worker.service.archive import ArchivedChat, ArchiveWriter, read_archive
from worker.service.chores import Chores
from worker.service.maintenance import Report
from worker.service.scope import Scope
from worker.storage.rules import AT_WORK, at_work

ASKED_FOR = "A person asked for it."
EVERY_CHAT = 1_000_000
NAMED = 5
"""So many chats are named when something is wrong with them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things are."""

    home: Path
    database: Path
    backups: Path
    logs: Path
    configuration: Path


@dataclass(frozen=True, slots=True)
class Data:
    """`DataService` for one owner."""

    scope: Scope
    folders: Folders
    replace_database: Callable[[str], Coroutine[object, object, None]]
    """Puts the backup of that name in place of the database, for the whole engine. Raises
    Conflict while something is being written."""
    forget_queue: Callable[[], Awaitable[None]]
    """Removes every queued message and result."""
    chores: Chores

    async def places(self) -> DataPlaces:
        """See `DataService.places`."""
        statistics = await self.scope.storage.statistics(self.scope.owner)
        return DataPlaces(
            home=str(self.folders.home),
            database=str(self.folders.database),
            backups=str(self.folders.backups),
            logs=str(self.folders.logs),
            configuration=str(self.folders.configuration),
            size=statistics.size,
            chats=statistics.chats,
            messages=statistics.messages,
            cached=await self.scope.storage.count_answers(self.scope.owner, self.scope.now()),
        )

    async def backups(self) -> tuple[Backup, ...]:
        """See `DataService.backups`."""
        return await self.scope.storage.backups()

    async def back_up(self) -> Backup:
        """See `DataService.back_up`."""
        return await self.chores.do(
            lambda: self.scope.storage.back_up("person", self.scope.now()),
            kind="backup",
            name="backup",
            why=ASKED_FOR,
            result=lambda made: made.name,
            arguments={"reason": "person"},
        )

    async def restore(self, backup: str) -> None:
        """See `DataService.restore`."""
        known = {copy.name for copy in await self.scope.storage.backups()}
        if backup not in known:
            raise NotFound(
                "Backup not found", "There is no backup of that name.", "Choose another one."
            )
        # Before anything is stopped for it; it is looked again when the database is closed.
        counts = await self.scope.storage.count_runs(self.scope.owner, self.scope.now())
        if any(counts.states.get(state) for state in AT_WORK):
            raise at_work()
        # Whoever asked may go away meanwhile; the database is not left half replaced for that.
        await asyncio.shield(self.replace_database(backup))
        await self.scope.tell(DataReplaced())

    async def export(self, folder: str) -> Transfer:
        """See `DataService.export`."""
        return await self.chores.do_telling(
            lambda report: self._export(folder, report),
            kind="backup",
            name="export",
            why=ASKED_FOR,
            result=asdict,
            arguments={"folder": folder},
        )

    async def _export(self, folder: str, report: Report) -> Transfer:
        now = self.scope.now()
        place = _path(folder)
        if not place.is_absolute():
            raise InvalidInput("An export needs a full path", f"“{folder}” is relative.")
        try:
            writer = await asyncio.to_thread(_new_export, place, now)
        except (OSError, ValueError) as error:  # ValueError: no path can have such letters
            raise _cannot_write(place, error) from error
        left: list[str] = []
        try:
            chats = await self._every_chat()
            for number, chat in enumerate(chats):
                await report(number / len(chats), f"{number} of {len(chats)} chats")
                if not await self._exported(chat, writer):
                    left.append(f"“{chat.title or chat.id}”")
            await asyncio.to_thread(writer.close)
        except BaseException as error:
            await asyncio.to_thread(writer.abandon)
            if isinstance(error, OSError):
                raise _cannot_write(writer.folder, error) from error
            raise
        if left:
            raise _incomplete(writer, left)
        return Transfer(str(writer.folder), writer.chats, writer.messages)

    async def import_all(self, path: str) -> Transfer:
        """See `DataService.import_all`."""
        return await self.chores.do_telling(
            lambda report: self._import(path, report),
            kind="backup",
            name="import",
            why=ASKED_FOR,
            result=asdict,
            arguments={"path": path},
        )

    async def _import(self, path: str, report: Report) -> Transfer:
        source = _path(path)
        try:
            archived = await asyncio.to_thread(read_archive, source)
        except OSError as error:
            raise StorageError(
                "The export cannot be read", str(error), "Check the path and its rights."
            ) from error
        chats = messages = skipped = 0
        try:
            for number, one in enumerate(archived):
                await report(number / len(archived), f"{number} of {len(archived)} chats")
                if await self.scope.storage.import_chat(
                    self.scope.owner, one.chat, one.messages, one.files
                ):
                    chats += 1
                    messages += len(one.messages)
                else:
                    skipped += 1
        finally:
            if chats:  # they are there, even if the next one was refused
                await self.scope.tell(DataReplaced())
        return Transfer(str(source), chats, messages, skipped)

    async def delete_all(self) -> None:
        """See `DataService.delete_all`."""
        await self.scope.storage.delete_all(self.scope.owner)
        await self.scope.storage.delete_backups()
        await self.forget_queue()
        await self.scope.tell(DataReplaced())

    async def clear_cache(self) -> int:
        """See `DataService.clear_cache`."""
        return await self.scope.storage.clear_answers(self.scope.owner)

    async def _every_chat(self) -> tuple[Chat, ...]:
        storage, owner = self.scope.storage, self.scope.owner
        shown = await storage.list_chats(owner, archived=False, limit=EVERY_CHAT)
        archived = await storage.list_chats(owner, archived=True, limit=EVERY_CHAT)
        return tuple({chat.id: chat for chat in (*shown, *archived)}.values())

    async def _exported(self, chat: Chat, writer: ArchiveWriter) -> bool:
        """Whether a chat was written. Raises OSError where no other could be, either."""
        try:
            archived = await self._archived(chat.id)
        except NotFound:
            return await self._is_gone(chat.id)  # deleted for good meanwhile: nothing is missing
        except Exception as error:  # whatever it is, the other chats can be saved
            log.warning("chat %s cannot be read: %s", chat.id, type(error).__name__)
            return False
        return await asyncio.to_thread(writer.add, archived)

    async def _is_gone(self, chat: str) -> bool:
        try:
            await self.scope.storage.get_chat(self.scope.owner, chat)
        except NotFound:
            return True
        return False

    async def _archived(self, chat: str) -> ArchivedChat:
        storage, owner = self.scope.storage, self.scope.owner
        messages = await storage.tree(owner, chat)
        files = {}
        for message in messages:
            for attachment in message.attachments:
                files[attachment.id] = (await storage.get_attachment(owner, attachment.id))[1]
        return ArchivedChat(await storage.get_chat(owner, chat), messages, files)


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~somebody
        raise InvalidInput(
            "There is no such folder",
            f"“{text}” names nobody at this machine.",
            "Give a full path.",
        ) from None


def _new_export(place: Path, now: datetime) -> ArchiveWriter:
    stem, number = f"nagatha-export-{now:%Y%m%dT%H%M%SZ}", 1
    while True:
        try:
            return ArchiveWriter(place / (f"{stem}-{number}" if number > 1 else stem), now)
        except FileExistsError:
            if not (place / stem).exists():
                raise  # something else is in the way
            number += 1


def _cannot_write(target: Path, error: OSError | ValueError) -> StorageError:
    why = error.strerror if isinstance(error, OSError) else "there can be no such place"
    return StorageError(
        "The export could not be written",
        f"{target}: {why or type(error).__name__}",
        "Choose a folder with enough room that you may write to.",
    )


def _incomplete(writer: ArchiveWriter, left: Sequence[str]) -> StorageError:
    named = ", ".join(left[:NAMED]) + (f" and {len(left) - NAMED} more" if left[NAMED:] else "")
    return StorageError(
        "Not every chat was exported whole",
        f"Not, or not as Markdown: {named}. All the others are in {writer.folder}.",
        "Back up the data as well: a backup holds every chat.",
        kind="incomplete",
    )
