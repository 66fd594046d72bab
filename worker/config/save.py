"""Changes the data folder's file, one thing at a time.

Owns that a save changes what it says and nothing else: the file is read again under a lock, what
is wrong in it is copied first and stays as it is, and the file is replaced as a whole or not at
all. It must not know which source wins. All of it reads and writes files: not on the GUI thread.
"""

from collections.abc import Callable, Mapping, Sequence

from pydantic import ValidationError

from worker.config.files import keep_aside, locked, read_document, write_document
from worker.config.layers import (
    RESERVED_PROVIDERS,
    check_written,
    from_document,
    nearest_key,
    reason,
)
from worker.config.schema import KEYS, ProviderEntry
from worker.contract.errors import InvalidInput, NotFound, StorageError
from worker.contract.system import SettingValue
from worker.logging import mask_passwords
from worker.paths import Paths


def save(paths: Paths, key: str, value: SettingValue | Sequence[str] | Mapping[str, str]) -> None:
    """Set one setting; None puts its default back.

    Lists may be given as text with commas. An address whose password is shown as *** keeps the
    password it has. Raises InvalidInput (unknown key, wrong value), StorageError, Conflict.
    """
    if key not in KEYS:
        raise InvalidInput("There is no such setting", f"{key} is not known.", nearest_key(key))
    section, _, name = key.partition(".")

    def change(values: dict[str, object]) -> None:
        content = values.get(section)
        settings = dict(content) if isinstance(content, dict) else {}
        if value is None:
            settings.pop(name, None)
        elif not _is_masked(value, settings.get(name)):
            try:
                settings[name] = _plain(check_written(key, value))
            except ValueError as error:
                raise InvalidInput(
                    "The setting cannot have this value", f"{key}: {error}."
                ) from error
        if settings:
            values[section] = settings
        else:
            values.pop(section, None)

    _change(paths, change)


def save_provider(paths: Paths, entry: ProviderEntry) -> None:
    """Add a provider, or replace the one with its id. Raises InvalidInput, StorageError."""
    if entry.id in RESERVED_PROVIDERS:
        raise InvalidInput("The provider cannot be saved", f"The id {entry.id} is taken.")

    def change(values: dict[str, object]) -> None:
        content = values.get("providers")
        entries = list(content) if isinstance(content, list) else []
        plain = entry.model_dump(mode="json", exclude_defaults=True)
        for index, item in enumerate(entries):
            if _id(item) == entry.id:
                entries[index] = plain
                break
        else:
            entries.append(plain)
        values["providers"] = entries

    _change(paths, change)


def remove_provider(paths: Paths, provider: str) -> None:
    """Remove a provider. Raises NotFound, StorageError."""

    def change(values: dict[str, object]) -> None:
        content = values.get("providers")
        entries = list(content) if isinstance(content, list) else []
        left = [item for item in entries if _id(item) != provider]
        if len(left) == len(entries):
            raise NotFound("There is no such provider", f"{provider} is not in the settings.")
        if left:
            values["providers"] = left
        else:
            del values["providers"]

    _change(paths, change)


def provider_entry(id_: str, name: str, base_url: str, model: str, proxy: str) -> ProviderEntry:
    """A checked entry. Raises InvalidInput."""
    try:
        return ProviderEntry(id=id_, name=name, base_url=base_url, model=model, proxy=proxy)
    except ValidationError as error:
        field = str(error.errors(include_input=False)[0]["loc"][0])
        raise InvalidInput("The provider cannot be saved", f"{field}: {reason(error)}.") from None


def _change(paths: Paths, change: Callable[[dict[str, object]], None]) -> None:
    with locked(paths.locks / "config.lock"):
        document = read_document(paths.config)
        if document.unreadable:
            raise StorageError(
                "The settings cannot be saved",
                f"{paths.config}: {document.broken}.",
                "Allow this program to read the file, or move it away.",
                kind="read_only",
            )
        values = dict(document.values)
        change(values)
        if from_document(document, "file").problems:
            keep_aside(paths.config)
        write_document(paths.config, values)


def _is_masked(value: object, stored: object) -> bool:
    return (
        isinstance(value, str)
        and isinstance(stored, str)
        and value != stored
        and value == mask_passwords(stored)
    )


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _id(item: object) -> object:
    return item.get("id") if isinstance(item, dict) else None
