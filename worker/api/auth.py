"""Who is asking: the bearer token of a request, and the owner behind it.

Owns the check, which stands before everything else but the paths that are open. It must not
know where tokens are kept, and never repeats one.
"""

import hmac
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from worker.api.problems import problem_response
from worker.contract.errors import AuthenticationError

Tokens: TypeAlias = Mapping[str, str] | Callable[[str], str | None]
"""Token to owner: a mapping, or a function that returns None for a token it does not know and
that compares in constant time itself."""


def owner_of(tokens: Tokens, token: str) -> str | None:
    """The owner of `token`, compared in a time that tells nothing about the known ones."""
    if not isinstance(tokens, Mapping):
        return tokens(token)
    given = token.encode("utf-8", "surrogatepass")
    found: str | None = None
    for known, owner in tokens.items():
        # An empty token would let in whoever sends none. Every one is compared, always.
        if hmac.compare_digest(known.encode("utf-8", "surrogatepass"), given) and known:
            found = owner
    return found


def owner_in(connection: HTTPConnection) -> str:
    """The owner whom `RequireToken` found."""
    return str(connection.scope["state"]["owner"])


class RequireToken:
    """Lets a request through that carries a known token, or goes to an open path.

    It stands outside of the routes, so that also what does not exist is told only to those
    who may ask.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, open_paths: Collection[str]) -> None:
        self._app = app
        self._tokens = tokens
        self._open = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and scope["path"] not in self._open:
            scheme, _, token = HTTPConnection(scope).headers.get("authorization", "").partition(" ")
            owner = None
            if scheme.lower() == "bearer" and token.strip():
                owner = owner_of(self._tokens, token.strip())
            if owner is None:
                error = AuthenticationError(
                    "The token is missing or wrong",
                    "Nagatha answers only to those who send a token that it knows.",
                    "Send the header “Authorization: Bearer …” with the token from the settings.",
                )
                await problem_response(error)(scope, receive, send)
                return
            scope.setdefault("state", {})["owner"] = owner
        if scope["type"] in ("http", "lifespan"):
            await self._app(scope, receive, send)
