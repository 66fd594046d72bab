"""The engine by HTTP: the same services, made from the same Protocols.

Owns the connection, and the turning of its failures into the contract's errors. It must not
know any single use case, nor anything of the engine but its contract.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

import httpx2

from nagatha_desktop.client.stream import EventStream, not_nagatha, unreachable
from worker.contract.errors import InvalidInput
from worker.contract.services import (
    ChatService,
    DataService,
    JobService,
    ModelService,
    ModuleService,
    SystemService,
    ToolService,
    UsageService,
)
from worker.contract.time_services import ApprovalService, ReminderService, RoutineService
from worker.contract.wire import Method, error_of, methods

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


def _http_client(base_url: str, token: str, timeout: float) -> httpx2.AsyncClient:
    try:
        url = httpx2.URL(base_url)
    except (httpx2.InvalidURL, TypeError) as error:
        raise _no_address(base_url, str(error)) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise _no_address(base_url, "It does not begin with http:// or https://.")
    if not token.isascii() or not token.isprintable():
        raise InvalidInput("That is no token", "A token is plain letters and digits.")
    return httpx2.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {token}"},
        timeout=httpx2.Timeout(timeout, connect=10.0),
        # Reading the certificates takes a while, and plain http has no use for them.
        verify=url.scheme == "https",
        # A proxy that the environment names has no business between this machine and itself.
        trust_env=url.host not in _LOOPBACK,
    )


def _no_address(given: str, why: str) -> InvalidInput:
    return InvalidInput(
        "That is no address of an engine", f"“{given}”: {why}", "Give one as http://127.0.0.1:8642."
    )


class RemoteClient:
    """A `Client` over HTTP. Belongs to the loop it is made on.

    `base_url` is the engine's address, `token` what it lets in; `timeout` is how many seconds
    a call may take. Raises InvalidInput for what is no address.
    """

    def __init__(self, base_url: str, token: str, *, timeout: float = 300.0) -> None:
        self._http = _http_client(base_url, token, timeout)
        self._streams: set[EventStream] = set()
        self.chats = cast(ChatService, self._feature("chats"))
        self.jobs = cast(JobService, self._feature("jobs"))
        self.models = cast(ModelService, self._feature("models"))
        self.modules = cast(ModuleService, self._feature("modules"))
        self.tools = cast(ToolService, self._feature("tools"))
        self.usage = cast(UsageService, self._feature("usage"))
        self.data = cast(DataService, self._feature("data"))
        self.system = cast(SystemService, self._feature("system"))
        self.reminders = cast(ReminderService, self._feature("reminders"))
        self.routines = cast(RoutineService, self._feature("routines"))
        self.approvals = cast(ApprovalService, self._feature("approvals"))

    def __repr__(self) -> str:
        return f"RemoteClient({str(self._http.base_url)!r})"

    def events(self, after: int | None = None) -> EventStream:
        """What happens from now on, or from after `after`; goes on after a broken connection.

        Calls that are made after this wait until the stream stands, so that what they bring
        about is in it. Iterating raises Unavailable where it cannot even begin, and
        AuthenticationError when the token is not or no longer known.
        """
        stream = EventStream(self._http, after)
        self._streams = {one for one in self._streams if not one.closed} | {stream}
        return stream

    async def aclose(self) -> None:
        """End the streams and let go of connections; the engine is not stopped by this."""
        for stream in self._streams:
            await stream.aclose()
        self._streams.clear()
        await self._http.aclose()

    def _feature(self, feature: str) -> "_Feature":
        known = {method.name: method for method in methods() if method.feature == feature}
        return _Feature(known, self._call)

    async def _call(
        self, method: Method, args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> object:
        body = method.call_json(args, kwargs)
        for stream in list(self._streams):
            await stream.begun()
        try:
            response = await self._http.post(
                method.path, content=body, headers={"Content-Type": "application/json"}
            )
        except (httpx2.HTTPError, RuntimeError) as error:
            # A client that was closed raises a bare RuntimeError.
            raise unreachable(self._http, error) from error
        if response.is_success:
            try:
                return method.result_of(response.content)
            except ValueError as error:
                raise not_nagatha(self._http, response) from error
        raise error_of(response.content) or not_nagatha(self._http, response)


class _Feature:
    """Stands in for one service: its methods are those of the Protocol."""

    def __init__(
        self,
        known: Mapping[str, Method],
        call: Callable[[Method, tuple[object, ...], Mapping[str, object]], Awaitable[object]],
    ) -> None:
        self._known = known
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method = self._known.get(name)
        if method is None:
            raise AttributeError(name)

        def call(*args: object, **kwargs: object) -> Awaitable[object]:
            return self._call(method, args, kwargs)

        return call
