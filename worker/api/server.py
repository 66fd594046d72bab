"""Serving the application on this machine.

Owns the socket, and that it is bound to 127.0.0.1 and nowhere else. It must not know what the
application answers.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from worker.contract.errors import InvalidInput, Unavailable

LOCAL = "127.0.0.1"
_GRACE = 5
"""Seconds that requests have to end when the server stops."""


class _Server(uvicorn.Server):
    """One that leaves the process's signals to the program, and that costs nothing while nobody
    asks: uvicorn's own loop looks ten times a second whether it shall stop, and what time it is."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def main_loop(self) -> None:
        await self._closing.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve(app: FastAPI, host: str = LOCAL, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` on the running loop while the block runs; gives its address, e.g.
    "http://127.0.0.1:8642". Port 0 takes a free one.

    Raises InvalidInput for a host other than 127.0.0.1, Unavailable for a port that is taken.
    """
    bound = _bind(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    )
    closing: asyncio.Event = app.state.closing
    server = _Server(config, closing)
    task = asyncio.create_task(server.serve(sockets=[bound]), name="api")
    try:
        # The socket listens already: who connects before uvicorn is ready waits a moment.
        yield f"http://{LOCAL}:{bound.getsockname()[1]}"
    finally:
        closing.set()
        server.should_exit = True
        try:
            await asyncio.shield(task)
        finally:
            bound.close()


def _bind(host: str, port: int) -> socket.socket:
    if host != LOCAL:
        raise InvalidInput(
            "The API can only be reached from this machine",
            f"It was to listen on {host}.",
            f"Use {LOCAL}.",
        )
    # Without the protocol named, asyncio does not switch Nagle's algorithm off, and each answer
    # waits 40 ms for an acknowledgement.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOCAL, port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        raise Unavailable(
            f"The API cannot use port {port}",
            str(error),
            "Stop the other program that uses it, or set another port in api.port.",
        ) from error
    bound.setblocking(False)
    return bound
