"""The HTTP application: token, routes from the Protocols, events, /ping.

Owns how these are put together. It must not know the engine: what answers is handed in.
"""

import asyncio
from collections.abc import Callable

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from worker.api.auth import RequireToken, Tokens
from worker.api.events import event_routes
from worker.api.problems import problem_response
from worker.api.routes import feature_routes
from worker.contract.errors import InvalidInput, NagathaError, NotFound
from worker.contract.services import Client

PING = "/ping"
HEARTBEAT = 15.0
"""Seconds of silence in the event stream before a sign of life."""


def create_api(
    services_for: Callable[[str], Client],
    tokens: Tokens,
    *,
    version: str = "",
    heartbeat: float = HEARTBEAT,
) -> FastAPI:
    """The application. `services_for(owner)` gives the services of a token's owner.

    Every path but /ping wants a token of `tokens`. It lives on the loop that the services
    live on. `app.state.closing`, an asyncio.Event, ends the event streams.
    """
    # The pages that FastAPI would add load scripts from elsewhere, and ask for no token.
    app = FastAPI(title="Nagatha", version=version, docs_url=None, redoc_url=None, openapi_url=None)
    closing = asyncio.Event()
    app.state.closing = closing

    async def ping() -> dict[str, str]:
        return {"status": "ok", "name": "nagatha", "version": version}

    app.add_api_route(PING, ping, methods=["GET"])
    app.include_router(feature_routes(services_for))
    app.include_router(event_routes(services_for, closing, heartbeat))
    app.add_exception_handler(NagathaError, _nagatha_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(RequireToken, tokens=tokens, open_paths=(PING,))
    return app


async def _nagatha_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, NagathaError)
    return problem_response(error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    if error.status_code == 404:
        return problem_response(NotFound("There is no such address", f"{where} is not known."))
    wrong = InvalidInput("The request cannot be answered", f"{where}: {error.detail}.")
    return problem_response(wrong, error.status_code)
