"""A server's list of models, whatever shape it has.

Owns the reading of /models as OpenAI, OpenRouter, Gemini, Ollama and LM Studio answer it, and
the questions to the last two for what their list leaves out. It must not know keys.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from worker.contract.system import ModelInfo
from worker.providers.catalogue import chats, sees_images, shown_name

if TYPE_CHECKING:
    import httpx2

_QUICK = 2.0
"""Seconds for a question to a server on this machine."""
_MANY = 40
"""Models of an Ollama that are looked at closely."""
_CONTEXT = ("context_length", "context_window", "max_context_length", "max_model_len")


async def read_models(
    provider: str, listed: object, web: "httpx2.AsyncClient | None", origin: str
) -> tuple[ModelInfo, ...] | None:
    """The models of a list that can chat, by name; None where `listed` is no list.

    `web` asks a server on this machine, at `origin`, for more; None asks nothing.
    """
    if isinstance(listed, Mapping):
        listed = listed.get("data", listed.get("models"))
    if not isinstance(listed, list):
        return None
    entries = [entry for entry in listed if isinstance(entry, Mapping)]
    found = {info.id: info for info in (_info(provider, entry) for entry in entries) if info}
    if web is not None and found:
        found = await _ask_closely(found, web, origin)
    return tuple(sorted(found.values(), key=lambda info: info.name.casefold()))


def _info(provider: str, entry: Mapping[str, object]) -> ModelInfo | None:
    identifier = entry.get("id") or entry.get("name") or entry.get("model")
    if not isinstance(identifier, str) or not chats(identifier):
        return None
    name = entry.get("name")
    return ModelInfo(
        id=identifier,
        provider=provider,
        name=shown_name(name if isinstance(name, str) and name else identifier),
        context=_context(entry),
        images=_images(identifier, entry),
    )


def _context(entry: Mapping[str, object]) -> int | None:
    for name in _CONTEXT:
        value = entry.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _images(identifier: str, entry: Mapping[str, object]) -> bool | None:
    architecture = entry.get("architecture")
    if isinstance(architecture, Mapping):
        kinds = architecture.get("input_modalities")
        if isinstance(kinds, list):
            return "image" in kinds
    return sees_images(identifier)


async def _ask_closely(
    found: dict[str, ModelInfo], web: "httpx2.AsyncClient", origin: str
) -> dict[str, ModelInfo]:
    studio = await _json(web, "GET", f"{origin}/api/v0/models")
    if isinstance(studio, Mapping) and isinstance(studio.get("data"), list):
        return _from_studio(found, studio["data"])
    tags = await _json(web, "GET", f"{origin}/api/tags")
    if not isinstance(tags, Mapping) or not isinstance(tags.get("models"), list):
        return found
    names = list(found)[:_MANY]
    shown = await asyncio.gather(
        *(_json(web, "POST", f"{origin}/api/show", {"model": name}) for name in names)
    )
    for name, details in zip(names, shown, strict=True):
        info = _from_ollama(found[name], details)
        if info is None:
            del found[name]
        else:
            found[name] = info
    return found


def _from_studio(found: dict[str, ModelInfo], entries: Iterable[object]) -> dict[str, ModelInfo]:
    for entry in entries:
        if not isinstance(entry, Mapping) or entry.get("id") not in found:
            continue
        old = found[str(entry["id"])]
        if entry.get("type") == "embeddings":
            del found[old.id]
            continue
        context = _context({"context_length": entry.get("loaded_context_length")})
        found[old.id] = ModelInfo(
            id=old.id,
            provider=old.provider,
            name=old.name,
            context=context or _context(entry) or old.context,
            images=entry.get("type") == "vlm" if entry.get("type") else old.images,
        )
    return found


def _from_ollama(old: ModelInfo, details: object) -> ModelInfo | None:
    """None for a model that cannot chat. The context is what the model is run with (num_ctx),
    not what it was trained for, and mostly unknown: Ollama cuts longer prompts silently."""
    if not isinstance(details, Mapping):
        return old
    can = details.get("capabilities")
    images = old.images
    if isinstance(can, list) and can:
        if "completion" not in can:
            return None
        images = "vision" in can
    set_to = re.search(r"^num_ctx\s+(\d+)", str(details.get("parameters", "")), re.MULTILINE)
    context = int(set_to.group(1)) if set_to else old.context
    return ModelInfo(old.id, old.provider, old.name, context, images)


async def _json(
    web: "httpx2.AsyncClient", method: str, url: str, body: Mapping[str, str] | None = None
) -> object | None:
    import httpx2

    try:
        response = await web.request(method, url, json=body, timeout=_QUICK)
        found: object = response.json() if response.status_code == 200 else None
    except (httpx2.HTTPError, ValueError):
        return None
    return found
