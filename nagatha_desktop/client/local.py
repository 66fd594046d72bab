"""The client of an engine in this process.

Owns the engine's start and end on behalf of the program. The chat works as soon as the data is
open; Celery, the worker and Beat follow. Windows never see the engine: they see a `Client`.
"""

import asyncio
from typing import TYPE_CHECKING, Self

from worker.contract.services import Client
from worker.engine import LOCAL_OWNER, Engine
from worker.logging import LogSystem, Redactor
from worker.paths import Paths
from worker.presence import ProcessRole
from worker.runtime import Runtime
from worker.service.owner import OwnerClient

if TYPE_CHECKING:
    from worker.background import CeleryBackground


class LocalClient(OwnerClient):
    """Hands out the engine's own services of the person at this machine."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.services(LOCAL_OWNER), engine.bus, LOCAL_OWNER)


class LocalEngine:
    """An engine and its background, begun and ended together on the runtime loop."""

    def __init__(
        self,
        paths: Paths,
        runtime: Runtime,
        redactor: Redactor,
        logs: LogSystem | None = None,
        role: ProcessRole = "desktop",
    ) -> None:
        self._engine = Engine(paths, runtime, role, redactor=redactor, logs=logs)
        self._background: asyncio.Task[None] | None = None

    @classmethod
    async def begin(
        cls, paths: Paths, runtime: Runtime, redactor: Redactor, logs: LogSystem | None = None
    ) -> tuple[Self, Client]:
        """Open the data; the worker is started behind it. Raises what `Engine.start` raises."""
        local = cls(paths, runtime, redactor, logs)
        await local._engine.start()
        local._background = asyncio.create_task(local._plug(), name="background")
        return local, LocalClient(local._engine)

    async def _plug(self) -> None:
        # Celery's import is held back until the chat is there.
        background = await asyncio.to_thread(_background_class)
        engine = self._engine
        await engine.plug(background(engine, engine.paths.queue, work=True))

    async def loaded(self) -> None:
        """Return once the worker is there, or could not be started."""
        if self._background is not None:
            await asyncio.wait((self._background,))

    @property
    def running(self) -> int:
        """How many answers and tasks are at work."""
        return self._engine.running.count

    async def end(self) -> None:
        """Stop the worker, keep what is being written, close the data. Twice is harmless."""
        task, self._background = self._background, None
        if task is not None:
            # It may still wait for modules, of which one may hang. A worker that is just starting
            # is not left half way by this.
            task.cancel()
            await asyncio.wait((task,))
            await self._engine.aclose()


def _background_class() -> type["CeleryBackground"]:
    from worker.background import CeleryBackground

    return CeleryBackground
