"""Errors as HTTP answers.

Owns which error has which status. It must not know who raised it.
"""

from collections.abc import Mapping

from starlette.responses import Response

from worker.contract.errors import (
    AuthenticationError,
    Conflict,
    InvalidInput,
    ModelError,
    NagathaError,
    NotFound,
    StorageError,
    TooLarge,
    Unavailable,
)
from worker.contract.wire import PROBLEM_TYPE, problem_json

_BY_KIND: Mapping[str, int] = {
    "disk_full": 507,
    "rate_limited": 429,
    "no_credit": 402,
    "timeout": 504,
    "too_long": 413,
    "no_model": 409,
    "no_key": 409,
    "model_unknown": 404,
}
_BY_CLASS: tuple[tuple[type[NagathaError], int], ...] = (
    (InvalidInput, 400),
    (AuthenticationError, 401),
    (NotFound, 404),
    (Conflict, 409),
    (TooLarge, 413),
    (Unavailable, 503),
    # What a model's server did wrong: we are its client.
    (ModelError, 502),
    (StorageError, 500),
)


def status_of(error: NagathaError) -> int:
    """The HTTP status that says best what `error` says; 500 for what is nobody's fault but ours."""
    if isinstance(error, ModelError | StorageError) and error.kind in _BY_KIND:
        return _BY_KIND[error.kind]
    return next((status for cls, status in _BY_CLASS if isinstance(error, cls)), 500)


def problem_response(error: NagathaError, status: int = 0) -> Response:
    """`error` as `application/problem+json`."""
    status = status or status_of(error)
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        problem_json(error, status), status_code=status, media_type=PROBLEM_TYPE, headers=headers
    )
