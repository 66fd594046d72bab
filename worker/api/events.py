"""The event stream over HTTP: server-sent events that can be resumed.

Owns the form of the stream. It must not know where events come from, but for the client that
it is handed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from worker.api.auth import owner_in
from worker.contract.errors import InvalidInput
from worker.contract.events import Event
from worker.contract.services import Client
from worker.contract.wire import EVENTS_PATH, NOW_HEADER, to_json


def event_routes(
    services_for: Callable[[str], Client], closing: asyncio.Event, heartbeat: float
) -> APIRouter:
    """GET /v1/events: what happens to the token's owner, from now on or after a seq.

    A comment goes out after `heartbeat` seconds of silence, so that both sides notice a dead
    connection. The stream ends when `closing` is set.
    """
    router = APIRouter()

    async def events(request: Request) -> Response:
        after = _after(request)
        # Subscribed before the answer begins: who has seen its head misses nothing from then on.
        now = datetime.now(UTC)
        source = services_for(owner_in(request)).events(after)
        return StreamingResponse(
            _stream(source, closing, heartbeat),
            media_type="text/event-stream",
            headers={
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                NOW_HEADER: now.isoformat(),
            },
        )

    router.add_api_route(EVENTS_PATH, events, methods=["GET"])
    return router


def _after(request: Request) -> int | None:
    """Where to go on: what a reconnecting client saw last counts more than the address."""
    text = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput(
            "Events cannot be resumed there",
            f"“{text[:40]}” is no number of an event.",
            "Give the id of the last event that came, or leave “after” out.",
        )
    return int(text)


def event_text(event: Event) -> str:
    """One event as it stands in the stream."""
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {to_json(event)}\n\n"


async def _stream(
    source: AsyncIterator[Event], closing: asyncio.Event, heartbeat: float
) -> AsyncIterator[str]:
    end = asyncio.ensure_future(closing.wait())
    following: asyncio.Future[Event] | None = None
    waiting: list[asyncio.Future[Any]] = [end]
    try:
        yield ": connected\n\n"
        while not closing.is_set():
            if following is None:
                following = asyncio.ensure_future(anext(source))
                waiting = [end, following]
            await asyncio.wait(waiting, timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                yield ": still here\n\n"
                continue
            try:
                event = following.result()
            except StopAsyncIteration:
                return
            following = None
            yield event_text(event)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
