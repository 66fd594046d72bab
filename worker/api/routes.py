"""The routes that are made from the Protocols: a method is POST /v1/<feature>/<method>.

Owns how a request becomes a call. It must not know any single use case: what a Protocol
gains, the API has.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from worker.api.auth import owner_in
from worker.api.problems import problem_response
from worker.contract.errors import NagathaError, TooLarge
from worker.contract.services import Client
from worker.contract.wire import Method, methods, to_json

MOST_BYTES = 64 * 2**20
"""Of one request's body: the largest attachment as base64, and plenty."""

log = logging.getLogger(__name__)


def feature_routes(services_for: Callable[[str], Client]) -> APIRouter:
    """A route for every method of every feature; `services_for(owner)` is who answers."""
    router = APIRouter()
    for method in methods():
        router.add_api_route(
            method.path,
            partial(_answer, method, services_for),
            methods=["POST"],
            name=f"{method.feature}.{method.name}",
            summary=method.summary,
        )
    return router


async def _answer(
    method: Method, services_for: Callable[[str], Client], request: Request
) -> Response:
    try:
        arguments = method.arguments_of(await _body(request))
        service = getattr(services_for(owner_in(request)), method.feature)
        call: Callable[..., Awaitable[object]] = getattr(service, method.name)
        result = await call(**arguments)
        return Response(
            to_json(result), media_type="application/json", headers={"Cache-Control": "no-store"}
        )
    except NagathaError as error:
        return problem_response(error)
    # A mistake of ours must not end the connection without a word, nor tell what it is about.
    except Exception:
        log.exception("%s failed", method.path)
        return problem_response(
            NagathaError(
                "Something went wrong inside Nagatha",
                f"{method.path} met an error that nobody expected.",
                "The log says more. Try again.",
                kind="internal",
            )
        )


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise TooLarge(
                "The request is too large",
                f"At most {MOST_BYTES // 2**20} MB are taken.",
                "Send less at once.",
            )
        parts.append(part)
    return b"".join(parts)
