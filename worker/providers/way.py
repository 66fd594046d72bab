"""The way to a model server: where the connection for a request went, if not to the server itself.

Owns how that is found out: the HTTP client tells it while it connects, which holds whoever named
the proxy. It must not know the words for it. Imported only when a model is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
import openai

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that stood between."""

    address: str
    """Host and port, without a name or password."""
    reached: bool
    """False where no connection to it came about."""


class _Way:
    """Hears, as the `trace` of one request, where it is connected to."""

    def __init__(self) -> None:
        self.host = ""
        """Empty where a connection that was there already was used."""
        self.port = 0
        self.reached = False

    async def __call__(self, event: str, info: Mapping[str, object]) -> None:
        if event.endswith("connect_tcp.started"):
            self.host, self.port = str(info["host"]), int(str(info["port"]))
            self.reached = False
        elif event.endswith("connect_tcp.complete"):
            self.reached = True


async def follow(request: httpx2.Request) -> None:
    """An event hook: have `proxy_of` know the way of `request`."""
    request.extensions["trace"] = _Way()


def proxy_of(error: Exception) -> Proxy | None:
    """The proxy that the connection for a failed request went to; None where it went to the server,
    where an old one was used, or where nobody followed it."""
    request = _request_of(error)
    way = None if request is None else request.extensions.get("trace")
    if request is None or not isinstance(way, _Way) or not way.host:
        return None
    url = request.url
    if (way.host, way.port) == (url.raw_host.decode("ascii"), url.port or _PORTS.get(url.scheme)):
        return None
    host = f"[{way.host}]" if ":" in way.host else way.host
    return Proxy(f"{host}:{way.port}", way.reached)


def _request_of(error: Exception) -> httpx2.Request | None:
    if isinstance(error, openai.APIConnectionError):
        return error.request
    if isinstance(error, httpx2.RequestError):
        try:
            return error.request
        except RuntimeError:  # nobody set it
            return None
    return None
