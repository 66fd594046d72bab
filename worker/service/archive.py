"""An export's format: one JSON document that can be read back, and Markdown for people.

Owns both forms. Text is kept to the letter: JSON escapes carry NUL bytes and lone surrogates.
It must not know the storage.
"""

import base64
import binascii
import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from worker.contract.errors import InvalidInput
from worker.contract.types import Attachment, Chat, Message, Problem, ToolUse, Usage

FORMAT = "nagatha-export"
VERSION = 1
JSON_NAME = "nagatha.json"
_SLUG = re.compile(r"[^\w]+")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")

T = TypeVar("T")


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
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=False)
        self._markdown = folder / "chats"
        self._markdown.mkdir()
        self._file = (folder / (JSON_NAME + ".part")).open("w", encoding="ascii")
        head = {"format": FORMAT, "version": VERSION, "exported": now.isoformat()}
        self._file.write(json.dumps(head)[:-1] + ', "chats": [\n')
        self.chats = 0
        self.messages = 0

    def add(self, archived: ArchivedChat) -> None:
        """Write one chat in both forms."""
        if self.chats:
            self._file.write(",\n")
        self._file.write(json.dumps(_chat_to_json(archived), ensure_ascii=True))
        self.chats += 1
        self.messages += len(archived.messages)
        title = _SLUG.sub("-", archived.chat.title).strip("-")[:60] or "chat"
        name = f"{archived.chat.created:%Y-%m-%d} {title} {archived.chat.id[:6]}.md"
        path = self._markdown / name.encode("utf-8", "replace").decode("utf-8")
        path.write_text(as_markdown(archived), encoding="utf-8", errors="replace")

    def close(self) -> Path:
        """Finish the document; returns its path."""
        self._file.write("\n]}\n")
        self._file.close()
        path = self.folder / JSON_NAME
        Path(self._file.name).replace(path)
        return path

    def abandon(self) -> None:
        """Let go of the file after something failed; what was written stays, without a name
        that an import would take."""
        self._file.close()


def read_archive(path: Path) -> tuple[ArchivedChat, ...]:
    """The chats of an export: its folder, or its JSON file.

    Raises InvalidInput, naming what is wrong, for anything else; OSError.
    """
    file = path / JSON_NAME if path.is_dir() else path
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(
            "There is no export at that place",
            f"“{file}” does not exist.",
            f"Choose the folder of an export, or its {JSON_NAME}.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise _not_ours(file, f"it is no JSON document ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _not_ours(file, "it is another kind of document")
    if document.get("version") != VERSION:
        raise InvalidInput(
            "This export was written by another version of Nagatha",
            f"It has version {document.get('version')!r}; this program reads {VERSION}.",
            "Import it with the newer program.",
        )
    try:
        return tuple(_chat_from_json(entry) for entry in document["chats"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _not_ours(file, f"a part of it is not as expected ({error!r})") from None


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


def _chat_from_json(entry: Mapping[str, object]) -> ArchivedChat:
    chat = _build(Chat, _object(entry["chat"]), times=("created", "updated", "deleted"))
    messages = tuple(_message(_object(m)) for m in cast(Iterable[object], entry["messages"]))
    ids = {message.id for message in messages}
    for message in messages:
        if message.chat != chat.id or (message.parent is not None and message.parent not in ids):
            raise ValueError(f"message {message.id!r} does not belong to its chat")
    if chat.head is not None and chat.head not in ids:
        raise ValueError(f"the head of chat {chat.id!r} is missing")
    files = {
        name: base64.b64decode(cast(str, data), validate=True)
        for name, data in _object(entry["files"]).items()
    }
    return ArchivedChat(dataclasses.replace(chat, running=False), messages, files)


def _message(entry: Mapping[str, object]) -> Message:
    fields = dict(entry)
    fields["attachments"] = tuple(
        _build(Attachment, _object(a)) for a in cast(Iterable[object], fields["attachments"])
    )
    fields["tools"] = tuple(
        _build(ToolUse, _object(t)) for t in cast(Iterable[object], fields["tools"])
    )
    if fields["usage"] is not None:
        fields["usage"] = _build(Usage, _object(fields["usage"]))
    if fields["error"] is not None:
        fields["error"] = _build(Problem, _object(fields["error"]), times=("retry_at",))
    fields["notes"] = tuple(cast(Iterable[str], fields["notes"]))
    fields["siblings"] = ()
    message = _build(Message, fields, times=("created",))
    # Nothing of an import can still be running.
    if message.state == "streaming":
        message = dataclasses.replace(message, state="interrupted")
    return message


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, found {type(value).__name__}")
    return value


def _build(cls: type[T], fields: Mapping[str, object], times: Sequence[str] = ()) -> T:
    values = dict(fields)
    for name in times:
        value = values.get(name)
        if value is not None:
            time = datetime.fromisoformat(cast(str, value))
            if time.tzinfo is None:
                raise ValueError(f"{name} has no time zone")
            values[name] = time
    return cls(**values)
