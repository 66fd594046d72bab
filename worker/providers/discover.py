"""Model servers on this machine that a person may have running.

Owns the quick look for Ollama and LM Studio. It must not know settings. Only 127.0.0.1 is asked.
"""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from worker.contract.system import Provider
from worker.providers.catalogue import LM_STUDIO, OLLAMA, Preset, chats, origin

PATIENCE = 0.5
"""Seconds for each server."""
LOCAL_PRESETS: tuple[Preset, ...] = (OLLAMA, LM_STUDIO)


async def discover(
    presets: Sequence[Preset] = LOCAL_PRESETS, *, patience: float = PATIENCE
) -> tuple[Provider, ...]:
    """Those of `presets` that answer within `patience`, each with its first model (if any).

    All are asked at once; never raises.
    """
    if not (open_ones := await _open(presets, patience)):
        return ()  # the usual case, and it needs no HTTP client
    found = await asyncio.gather(*(_ask(preset, patience) for preset in open_ones))
    return tuple(provider for provider in found if provider is not None)


async def _open(presets: Sequence[Preset], patience: float) -> list[Preset]:
    async def one(preset: Preset) -> bool:
        parts = urlsplit(preset.base_url)
        try:
            async with asyncio.timeout(patience):
                _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    answers = await asyncio.gather(*(one(preset) for preset in presets))
    return [preset for preset, answered in zip(presets, answers, strict=True) if answered]


async def _ask(preset: Preset, patience: float) -> Provider | None:
    import httpx2

    path = "/api/tags" if preset.id == OLLAMA.id else "/v1/models"
    try:
        async with (
            asyncio.timeout(patience),
            # Reading the certificates takes a while, and plain http has no use for them.
            httpx2.AsyncClient(trust_env=False, timeout=patience, verify=False) as web,
        ):
            response = await web.get(origin(preset.base_url) + path)
            listed = response.json() if response.status_code == 200 else None
    except (httpx2.HTTPError, TimeoutError, ValueError):
        return None
    if not isinstance(listed, Mapping):
        return None
    entries = listed.get("models", listed.get("data"))
    if not isinstance(entries, list):
        return None  # something else that listens there
    names = [_name(entry) for entry in entries]
    return Provider(
        id=preset.id,
        name=preset.name,
        base_url=preset.base_url,
        model=next((name for name in names if name and chats(name)), ""),
        key="not_needed",
        local=True,
    )


def _name(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return ""
    name = entry.get("model") or entry.get("id") or entry.get("name")
    return name if isinstance(name, str) else ""
