"""A model server for tests: real HTTP, with behaviours good and bad, chosen by the model's name.

Owns /v1/chat/completions (streamed and not), /v1/models and Ollama's /api/tags and /api/show on
a free port of 127.0.0.1, down to the single byte. `BEHAVIOURS` lists the models; a test may add
its own, or queue behaviours for the next requests. It knows nothing of the program.

    with ModelServer() as server:
        client = AsyncOpenAI(base_url=server.url, api_key="sk-test")

As a process: python -m tests.support.model_server --port 8080 [--script file.json], where the
script is {"models": {name: {field: value}}, "queue": [name or {field: value}], "keys": [...]}.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.model_behaviours import (
    ANSWER,
    BEHAVIOURS,
    Behaviour,
    Recorded,
    Script,
    error_body,
    key_of,
    size_of,
)

__all__ = ["ANSWER", "BEHAVIOURS", "Behaviour", "ModelServer", "Recorded"]


class _Connection:
    """One client's connection, for as many requests as it likes."""

    def __init__(
        self, server: "ModelServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._tcp_chunk = 0
        self._early = b""

    async def serve(self) -> None:
        try:
            while (request := await self._read()) is not None:
                watcher = asyncio.create_task(self._watch(request))
                answerer = asyncio.create_task(self._answer(request))
                try:
                    # A client that has gone needs no answer any more, however mute it was.
                    await asyncio.wait({watcher, answerer}, return_when=asyncio.FIRST_COMPLETED)
                    if not answerer.done() and not request.gone.is_set():
                        await answerer
                finally:
                    for task in (watcher, answerer):
                        if not task.done():
                            task.cancel()
                    ended = await asyncio.gather(watcher, answerer, return_exceptions=True)
                if request.gone.is_set() or ended[1] is not True:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writer.close()

    async def _watch(self, request: Recorded) -> None:
        try:
            byte = await self._reader.read(1)
        except ConnectionError:
            byte = b""
        if byte:
            self._early += byte
        else:
            request.gone.set()

    async def _read(self) -> Recorded | None:
        head, self._early = self._early or await self._reader.read(1), b""
        if head == b"\x16":  # somebody begins with TLS
            return None
        while b"\r\n\r\n" not in head:
            line = await self._reader.readline()
            if not line:
                return None
            head += line
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        data = await self._reader.readexactly(int(headers.get("content-length", "0")))
        body = json.loads(data) if data else {}
        request = Recorded(method, path.split("?")[0], headers, body, time.monotonic())
        self._server.requests.append(request)
        return request

    async def _write(self, data: bytes) -> None:
        if self._tcp_chunk:
            for start in range(0, len(data), self._tcp_chunk):
                self._writer.write(data[start : start + self._tcp_chunk])
                await self._writer.drain()
                await asyncio.sleep(0)
        else:
            self._writer.write(data)
            await self._writer.drain()

    async def _whole(
        self,
        body: str,
        *,
        status: int = 200,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> bool:
        data = body.encode("utf-8", "surrogatepass")
        fields = {
            "Content-Type": content_type or "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }
        head = f"HTTP/1.1 {status} Status\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await self._write(head.encode("latin-1") + b"\r\n" + data)
        return True

    async def _answer(self, request: Recorded) -> bool:
        """Returns whether the connection may be used again."""
        path = request.path.removeprefix(self._server.prefix)
        if path in self._server.pages:
            return await self._whole(json.dumps(self._server.pages[path]))
        if path in ("/api/tags", "/api/show") and self._server.ollama:
            return await self._ollama(request, path)
        if not self._server.accepts(request):
            text = error_body("Incorrect API key provided: {key}.", code="invalid_api_key")
            return await self._whole(text.replace("{key}", key_of(request)), status=401)
        if path in ("/v1/models", "/models"):
            if self._server.models is None:
                return await self._whole(error_body("Not found"), status=404)
            return await self._whole(
                json.dumps({"object": "list", "data": list(self._server.models)})
            )
        if path in ("/v1/chat/completions", "/chat/completions"):
            return await self._complete(request, self._server.behaviour(request))
        return await self._whole(error_body("Not found"), status=404)

    async def _ollama(self, request: Recorded, path: str) -> bool:
        names = [str(m["id"]) for m in self._server.models or () if "id" in m]
        if path == "/api/tags":
            tags = [{"name": name, "model": name, "size": 1} for name in names]
            return await self._whole(json.dumps({"models": tags}))
        shown = {
            "capabilities": ["completion", "vision"],
            "parameters": 'num_ctx                        16384\nstop    "<|im_end|>"',
            "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
        }
        if request.body.get("model") not in names:
            return await self._whole('{"error": "model not found"}', status=404)
        return await self._whole(json.dumps(shown))

    async def _complete(self, request: Recorded, how: Behaviour) -> bool:
        self._tcp_chunk = how.tcp_chunk
        if how.delay:
            await asyncio.sleep(how.delay)
        if how.mute:
            await asyncio.Event().wait()
        if how.raw is not None:
            await self._write(how.raw.encode("latin-1"))
            return False
        if how.flood:
            return await self._flood(how)
        if refused := [name for name in how.refuse if name in request.body]:
            text = error_body(f"Unrecognized request argument supplied: {refused[0]}")
            return await self._whole(text, status=400)
        if how.context and (size := size_of(request)) > how.context:
            text = error_body(
                f"This model's maximum context length is {how.context} tokens. However, your "
                f"messages resulted in {size} tokens.",
                code="context_length_exceeded",
            )
            return await self._whole(text, status=400)
        if how.body is not None:
            return await self._whole(
                how.body.replace("{key}", key_of(request)),
                status=how.status,
                content_type=how.content_type,
                headers=how.headers,
            )
        script = Script(request, how)
        if not request.body.get("stream"):
            return await self._whole(json.dumps(script.completion()))
        await self._write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        if how.raw_events is not None:
            if how.raw_events:
                await self._write(_frame(how.raw_events.encode("latin-1")))
            await self._write(b"0\r\n\r\n")
            return True
        return await self._stream(script, how)

    async def _flood(self, how: Behaviour) -> bool:
        kind = how.content_type or "text/event-stream"
        await self._write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
        block = b"x" * 1_000_000
        for _ in range(how.flood // len(block)):
            await self._write(block)
        return False

    async def _stream(self, script: "Script", how: Behaviour) -> bool:
        began = time.monotonic()
        sent = 0
        for start, pieces in script.batches():
            if how.rate and (wait := began + start / how.rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            await self._write(b"".join(_frame(_event(piece)) for piece in pieces))
            sent = start + len(pieces)
            if sent == how.pause_after:
                await self._server.wait_for_release()
            if sent == how.mute_after:
                await asyncio.Event().wait()
            if sent == how.cut_after:
                return False
        for piece in script.end():
            await self._write(_frame(_event(piece)))
        for data in how.events:
            await self._write(_frame(f"data: {data}\n\n".encode()))
        await self._write(_frame(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        return True


def _event(piece: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(piece)}\n\n".encode()


def _frame(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class ModelServer:
    """The server, on a thread of its own, from `with` to its end."""

    def __init__(
        self,
        *,
        port: int = 0,
        keys: Iterable[str] = (),
        behaviours: Mapping[str, Behaviour] | None = None,
        models: Iterable[Mapping[str, Any]] | None = (),
        prefix: str = "",
        ollama: bool = True,
        pages: Mapping[str, object] | None = None,
    ) -> None:
        """`keys`: those accepted, all when there are none. `behaviours` come on top of
        `BEHAVIOURS`. `models`: entries of /v1/models; () lists the behaviours, None has no list.
        `prefix` stands before /v1 in paths. `ollama`: whether /api/tags and /api/show are there.
        `pages` are answered as JSON, by path."""
        self._port = port
        self._keys = frozenset(keys)
        self._behaviours = {**BEHAVIOURS, **(behaviours or {})}
        named = [{"id": name, "object": "model"} for name in self._behaviours]
        self.models = None if models is None else list(models) or named
        self.prefix = prefix
        self.ollama = ollama
        self.pages = dict(pages or {})
        self.requests: list[Recorded] = []
        """Every request so far, oldest first."""
        self._queue: deque[Behaviour] = deque()
        self._released: asyncio.Event | None = None
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main()), name="model-server", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(60):
            raise TimeoutError("The model server did not start.")
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    @property
    def port(self) -> int:
        return self._port

    @property
    def origin(self) -> str:
        """E.g. http://127.0.0.1:4711"""
        return f"http://127.0.0.1:{self._port}{self.prefix}"

    @property
    def url(self) -> str:
        """The base address that a provider is given."""
        return f"{self.origin}/v1"

    @property
    def completions(self) -> list[Recorded]:
        """The requests for completions."""
        return [r for r in self.requests if r.path.endswith("/chat/completions")]

    def queue(self, *behaviours: str | Behaviour) -> None:
        """How the next completions are answered, whatever their model."""
        for how in behaviours:
            self._queue.append(self._behaviours[how] if isinstance(how, str) else how)

    def clear(self) -> None:
        """Forget what is queued and was not asked for."""
        self._queue.clear()

    def release(self) -> None:
        """Let every answer that pauses go on, now and later."""
        if self._loop is not None and self._released is not None:
            self._loop.call_soon_threadsafe(self._released.set)

    def wait_for(self, count: int, deadline: float = 60.0) -> list[Recorded]:
        """The completions asked for, once there are `count`."""
        end = time.monotonic() + deadline
        while len(self.completions) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.completions)} of {count} requests came.")
            time.sleep(0.005)
        return self.completions

    # what the connections ask ---------------------------------------------------------------

    def accepts(self, request: Recorded) -> bool:
        return not self._keys or key_of(request) in self._keys

    def behaviour(self, request: Recorded) -> Behaviour:
        if self._queue:
            return self._queue.popleft()
        name = str(request.body.get("model"))
        if name in self._behaviours:
            return self._behaviours[name]
        message = f"The model `{name}` does not exist or you do not have access to it."
        return Behaviour(status=404, body=error_body(message, code="model_not_found"))

    async def wait_for_release(self) -> None:
        assert self._released is not None
        await self._released.wait()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._released = asyncio.Event(), asyncio.Event()
        stop = self._stop
        serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if stop.is_set():  # it was accepted before the server was closed
                writer.close()
                return
            task = asyncio.create_task(_Connection(self, reader, writer).serve())
            serving[task] = writer
            task.add_done_callback(serving.pop)

        try:
            server = await asyncio.start_server(connected, "127.0.0.1", self._port)
        except OSError as error:
            self._failed = error
            self._ready.set()
            return
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await stop.wait()
        server.close()
        left = dict(serving)
        for task, writer in left.items():
            task.cancel()
            writer.close()  # one that had not begun would not do it
        await asyncio.gather(*left, return_exceptions=True)


def _behaviour(fields: str | Mapping[str, Any]) -> Behaviour:
    """One of a script: a model's name, or the fields to change in "like" (or in "fast")."""
    if isinstance(fields, str):
        return BEHAVIOURS[fields]
    changes = {name: value for name, value in fields.items() if name != "like"}
    if "calls" in changes:
        changes["calls"] = tuple((name, text) for name, text in changes["calls"])
    for name in ("refuse", "events"):
        if name in changes:
            changes[name] = tuple(changes[name])
    return replace(BEHAVIOURS[fields.get("like", "fast")], **changes)


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input ends or the process is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    options = parser.parse_args(arguments)
    script = json.loads(options.script.read_text("utf-8")) if options.script else {}
    behaviours = {name: _behaviour(fields) for name, fields in script.get("models", {}).items()}
    server = ModelServer(port=options.port, keys=script.get("keys", ()), behaviours=behaviours)
    with server:
        server.queue(*(_behaviour(fields) for fields in script.get("queue", ())))
        print(server.url, flush=True)
        try:
            if options.until_eof:
                sys.stdin.read()
            else:
                threading.Event().wait()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
