"""An export's format: one JSON document that can be read back, and Markdown for people.

Owns both forms. Text is kept to the letter: JSON escapes carry NUL bytes and lone surrogates.
It must not know the storage.
"""

import base64
import binascii
import contextlib
import dataclasses
import errno
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO, cast

from worker.contract.errors import InvalidInput
from worker.contract.types import Chat, Message
from worker.service.strict import Misfit, as_list, as_object, read

FORMAT = "nagatha-export"
VERSION = 1
JSON_NAME = "nagatha.json"
_SLUG = re.compile(r"[^\w]+")
_LONGEST_SLUG = 150
"""Bytes of a title in a file's name, which may have 255."""
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", re.ASCII)
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_HOPELESS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
"""What fails for one file with these fails for all."""


@dataclass(frozen=True, slots=True)
class ArchivedChat:
    """A chat with all that belongs to it."""

    chat: Chat
    messages: tuple[Message, ...]
    files: Mapping[str, bytes]
    """Bytes of the attachments, by id."""


class ArchiveWriter:
    """Writes an export chat by chat, so that no more than one is in memory.

    Make one, `add` each chat, then `close`; without `close` the folder is no valid export.
    All methods do file I/O and raise OSError.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        """`folder` is made, and only its owner can look into it: it holds all that was said."""
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        self._markdown = folder / "chats"
        self._markdown.mkdir(mode=0o700)
        self._part = folder / (JSON_NAME + ".part")
        self._file = _private(self._part)
        head = {"format": FORMAT, "version": VERSION, "exported": now.isoformat()}
        self._file.write(json.dumps(head)[:-1] + ', "chats": [\n')
        self.chats = 0
        self.messages = 0

    def add(self, archived: ArchivedChat) -> bool:
        """Write one chat in both forms; False where it has no Markdown, since that could not be
        written for this chat alone. Raises OSError where going on makes no sense."""
        text = json.dumps(_chat_to_json(archived), ensure_ascii=True)
        self._file.write((",\n" if self.chats else "") + text)
        self.chats += 1
        self.messages += len(archived.messages)
        try:
            with self._new_markdown(archived.chat) as file:
                file.write(as_markdown(archived))
        except OSError as error:
            if error.errno in _HOPELESS:
                raise
            return False
        return True

    def close(self) -> Path:
        """Finish the document; returns its path."""
        self._file.write("\n]}\n")
        self._file.close()
        path = self.folder / JSON_NAME
        self._part.replace(path)
        return path

    def abandon(self) -> None:
        """Let go of the file after something failed; what was written stays, without a name
        that an import would take."""
        with contextlib.suppress(OSError):  # what it still wanted to write
            self._file.close()

    def _new_markdown(self, chat: Chat) -> TextIO:
        stem, number = _file_stem(chat), 1
        while True:
            try:
                return _private(self._markdown / f"{stem}{f'-{number}' if number > 1 else ''}.md")
            except FileExistsError:
                number += 1


def _file_stem(chat: Chat) -> str:
    title = _SLUG.sub("-", chat.title).strip("-")
    # Names are limited by bytes, and a letter may have four.
    cut = title.encode("utf-8", "replace")[:_LONGEST_SLUG].decode("utf-8", "ignore")
    return f"{chat.created:%Y-%m-%d} {cut or 'chat'} {_SLUG.sub('-', chat.id)[:8]}"


def _private(path: Path) -> TextIO:
    """A new text file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(descriptor, "w", encoding="utf-8", errors="replace")


def read_archive(path: Path) -> tuple[ArchivedChat, ...]:
    """The chats of an export: its folder, or its JSON file.

    Raises InvalidInput, naming what is wrong, for anything else; OSError.
    """
    try:
        file = path / JSON_NAME if path.is_dir() else path
        if file.exists() and not file.is_file():
            raise _not_ours(file, "it is no file")  # reading a device or a pipe might never end
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(
            "There is no export at that place",
            f"“{file}” does not exist.",
            f"Choose the folder of an export, or its {JSON_NAME}.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise _not_ours(path, f"it is no JSON document ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _not_ours(file, "it is another kind of document")
    if document.get("version") != VERSION:
        raise InvalidInput(
            "This export was written by another version of Nagatha",
            f"It has version {document.get('version')!r}; this program reads {VERSION}.",
            "Import it with the newer program.",
        )
    try:
        entries = as_list(document.get("chats"), "chats")
        return tuple(
            _chat_from_json(entry, f"chats[{number}]") for number, entry in enumerate(entries)
        )
    except Misfit as error:
        raise _not_ours(file, f"a part of it is not as expected ({error})") from None


def as_markdown(archived: ArchivedChat) -> str:
    """The shown branch of a chat as Markdown."""
    chat = archived.chat
    lines = [f"# {_plain(chat.title) or 'Chat'}", "", f"_{chat.created:%Y-%m-%d %H:%M} UTC_", ""]
    for message in shown_branch(chat, archived.messages):
        who = "You" if message.role == "user" else message.model or "Nagatha"
        state = "" if message.state == "complete" else f" ({message.state})"
        lines += [f"## {_plain(who)}{state}", ""]
        lines += [f"- attached: {_plain(a.name)}" for a in message.attachments]
        lines += [message.text, ""]
        if message.error is not None:
            lines += [f"> {_plain(message.error.title)} {_plain(message.error.message)}", ""]
    return "\n".join(lines)


def shown_branch(chat: Chat, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages from the root to the chat's head."""
    by_id = {message.id: message for message in messages}
    branch = []
    current = by_id.get(chat.head or "")
    while current is not None:
        branch.append(current)
        current = by_id.pop(current.parent or "", None)
    return tuple(reversed(branch))


def _plain(text: str) -> str:
    return _BIDI.sub("", " ".join(text.split()))


def _not_ours(file: Path, why: str) -> InvalidInput:
    return InvalidInput(
        "This is not an export of Nagatha's",
        f"“{file.name}”: {why}.",
        f"Choose the folder of an export, or its {JSON_NAME}.",
    )


# to JSON and back ------------------------------------------------------------------------


def _chat_to_json(archived: ArchivedChat) -> dict[str, object]:
    return {
        "chat": _flat(archived.chat),
        "messages": [_flat(message) for message in archived.messages],
        "files": {
            name: base64.b64encode(data).decode("ascii") for name, data in archived.files.items()
        },
    }


def _flat(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _flat(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_flat(item) for item in value]
    return value


def _chat_from_json(entry: object, place: str) -> ArchivedChat:
    """One chat, checked through and through: what is stored has to be readable ever after."""
    parts = as_object(entry, place)
    for name in ("chat", "messages", "files"):
        if name not in parts:
            raise Misfit(f"{place}: {name} is missing")
    chat = read(Chat, parts["chat"], f"{place}.chat")
    _check_id(chat.id, f"{place}.chat.id")
    messages = tuple(
        _message(one, f"{place}.messages[{number}]")
        for number, one in enumerate(as_list(parts["messages"], f"{place}.messages"))
    )
    _check_tree(chat, messages, place)
    files = {}
    for number, (name, data) in enumerate(as_object(parts["files"], f"{place}.files").items()):
        _check_id(name, f"{place}.files, entry {number}")
        try:
            files[name] = base64.b64decode(cast(str, data), validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise Misfit(f"{place}.files, entry {number}: base64 is expected") from None
    return ArchivedChat(dataclasses.replace(chat, running=False), messages, files)


def _message(entry: object, place: str) -> Message:
    message = read(Message, entry, place)
    _check_id(message.id, f"{place}.id")
    for number, file in enumerate(message.attachments):
        _check_id(file.id, f"{place}.attachments[{number}].id")
    # Nothing of an import can still be running.
    state = "interrupted" if message.state == "streaming" else message.state
    return dataclasses.replace(message, state=state, siblings=())


def _check_tree(chat: Chat, messages: Sequence[Message], place: str) -> None:
    by_id = {message.id: message for message in messages}
    if len(by_id) != len(messages):
        raise Misfit(f"{place}: two messages have the same id")
    below_root: set[str] = set()
    for number, message in enumerate(messages):
        if message.chat != chat.id or (message.parent is not None and message.parent not in by_id):
            raise Misfit(f"{place}.messages[{number}]: it does not belong to its chat")
        walked: list[str] = []
        current: Message | None = message
        while current is not None and current.id not in below_root:
            if len(walked) > len(messages):
                raise Misfit(f"{place}: its messages stand in a circle")
            walked.append(current.id)
            current = by_id.get(current.parent or "")
        below_root.update(walked)
    if chat.head is not None and chat.head not in by_id:
        raise Misfit(f"{place}.chat.head: there is no such message")


def _check_id(value: str, place: str) -> None:
    if not _ID.fullmatch(value):
        raise Misfit(f"{place}: an id has up to 64 letters, digits, dots, dashes and underscores")
