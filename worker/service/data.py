"""The use cases about the data itself: places, copies, export, import, delete all.

Owns the order of their steps. Files are read and written off the loop; it must not know SQL.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from worker.contract.errors import Conflict, InvalidInput, StorageError
from worker.contract.events import DataReplaced
from worker.contract.system import Backup, DataPlaces, Transfer
from worker.service.archive import ArchivedChat, ArchiveWriter, read_archive
from worker.service.scope import Scope

EVERY_CHAT = 1_000_000


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
    replace_database: Callable[[str], Awaitable[None]]
    """Puts the backup of that name in place of the database, for the whole engine."""
    forget_queue: Callable[[], Awaitable[None]]
    """Removes every queued message and result."""

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
        )

    async def backups(self) -> tuple[Backup, ...]:
        """See `DataService.backups`."""
        return await self.scope.storage.backups()

    async def back_up(self) -> Backup:
        """See `DataService.back_up`."""
        return await self.scope.storage.back_up("person", self.scope.now())

    async def restore(self, backup: str) -> None:
        """See `DataService.restore`."""
        await self._refuse_while_writing()
        await self.replace_database(backup)
        await self.scope.tell(DataReplaced())

    async def export(self, folder: str) -> Transfer:
        """See `DataService.export`."""
        now = self.scope.now()
        target = Path(folder).expanduser() / f"nagatha-export-{now:%Y%m%dT%H%M%SZ}"
        if not Path(folder).expanduser().is_absolute():
            raise InvalidInput("An export needs a full path", f"“{folder}” is relative.")
        try:
            writer = await asyncio.to_thread(ArchiveWriter, target, now)
        except OSError as error:
            raise _cannot_write(target, error) from error
        try:
            for chat in await self._every_chat():
                await asyncio.to_thread(writer.add, await self._archived(chat))
            await asyncio.to_thread(writer.close)
        except OSError as error:
            await asyncio.to_thread(writer.abandon)
            raise _cannot_write(target, error) from error
        return Transfer(str(target), writer.chats, writer.messages)

    async def import_all(self, path: str) -> Transfer:
        """See `DataService.import_all`."""
        source = Path(path).expanduser()
        try:
            archived = await asyncio.to_thread(read_archive, source)
        except OSError as error:
            raise StorageError(
                "The export cannot be read", str(error), "Check the path and its rights."
            ) from error
        chats = messages = skipped = 0
        for one in archived:
            if await self.scope.storage.import_chat(
                self.scope.owner, one.chat, one.messages, one.files
            ):
                chats += 1
                messages += len(one.messages)
            else:
                skipped += 1
        await self.scope.tell(DataReplaced())
        return Transfer(str(source), chats, messages, skipped)

    async def delete_all(self) -> None:
        """See `DataService.delete_all`."""
        await self._refuse_while_writing()
        await self.scope.storage.delete_all(self.scope.owner)
        await self.scope.storage.delete_backups()
        await self.forget_queue()
        await self.scope.tell(DataReplaced())

    async def _every_chat(self) -> tuple[str, ...]:
        storage, owner = self.scope.storage, self.scope.owner
        shown = await storage.list_chats(owner, archived=False, limit=EVERY_CHAT)
        archived = await storage.list_chats(owner, archived=True, limit=EVERY_CHAT)
        return tuple(dict.fromkeys(chat.id for chat in (*shown, *archived)))

    async def _archived(self, chat: str) -> ArchivedChat:
        storage, owner = self.scope.storage, self.scope.owner
        messages = await storage.tree(owner, chat)
        files = {}
        for message in messages:
            for attachment in message.attachments:
                files[attachment.id] = (await storage.get_attachment(owner, attachment.id))[1]
        return ArchivedChat(await storage.get_chat(owner, chat), messages, files)

    async def _refuse_while_writing(self) -> None:
        running = await self.scope.storage.list_runs(
            self.scope.owner, states=("STARTED", "PROGRESS"), limit=1
        )
        if running:
            raise Conflict(
                "Something is still running",
                "An answer or a task would lose what it writes.",
                "Stop it, or wait for it to end, and try again.",
                action="wait",
            )


def _cannot_write(target: Path, error: OSError) -> StorageError:
    return StorageError(
        "The export could not be written",
        f"{target}: {error.strerror or error}",
        "Choose a folder with enough room that you may write to.",
    )
