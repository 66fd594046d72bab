"""An engine for the length of one command.

Owns its start and end, and how errors become exit codes. It must not know single commands.
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

from worker.cli.output import Output
from worker.contract.errors import NagathaError
from worker.engine import LOCAL_OWNER, Engine
from worker.logging import LogSystem, Redactor
from worker.paths import Paths
from worker.presence import ProcessRole
from worker.runtime import Runtime
from worker.service.owner import OwnerServices

FAILED = 1


def run(
    output: Output,
    action: Callable[[Engine, OwnerServices], Awaitable[int]],
    *,
    role: ProcessRole = "cli",
    queue: bool = False,
    work: bool = False,
    work_if_alone: bool = False,
) -> int:
    """Do `action` on the loop with an engine of its own; returns the exit code.

    With `work_if_alone` tasks are run here when no other process on the data folder does.

    A NagathaError is printed and is exit code 1.
    """

    async def inside(runtime: Runtime, logs: LogSystem) -> int:
        async with Engine(paths, runtime, role, redactor=redactor, logs=logs) as engine:
            works = work or (work_if_alone and not engine.worker_elsewhere())
            if queue or works:
                # Celery takes a while to import, and most commands do without.
                from worker.background import CeleryBackground

                await engine.plug(CeleryBackground(engine, paths.queue, work=works))
            return await action(engine, engine.services(LOCAL_OWNER))

    redactor = Redactor()
    try:
        paths = Paths.find()
        paths.make()
        with LogSystem(paths.logs, redactor) as logs, Runtime() as runtime:
            return runtime.run(inside(runtime, logs))
    except NagathaError as error:
        output.problem(error.problem)
        return FAILED
    except OSError as error:
        output.failure("The data folder cannot be used", str(error))
        return FAILED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return FAILED


class StopSignal:
    """SIGINT and SIGTERM as something that a coroutine can wait for.

    Made on the main thread, before the loop runs.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, _number: int, _frame: object) -> None:
        self._event.set()

    async def wait(self) -> None:
        """Return when the first of them came."""
        # On a thread of its own, and not of the pool: it would keep one busy for ever.
        loop = asyncio.get_running_loop()
        came = asyncio.Event()

        def listen() -> None:
            self._event.wait()
            loop.call_soon_threadsafe(came.set)

        threading.Thread(target=listen, name="nagatha-signals", daemon=True).start()
        await came.wait()
