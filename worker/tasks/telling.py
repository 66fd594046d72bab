"""What a running task tells, on its way into the storage: how far it is, and what it logs.

Owns the gathering: a task says something on any thread and goes on at once, and everything is
stored before its run ends.
"""

import asyncio
import logging
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from celery import Task

from worker.contract.jobs import LogLine
from worker.engine import Engine
from worker.module_host.run_logger import Level
from worker.service.jobs import Jobs
from worker.storage.rules import LINE, LINES

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """Tells how far a run is: the newest last, what came in between left out, none after the
    end. From any thread, the loop's own included."""

    engine: Engine
    jobs: Jobs
    task: Task
    run: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _newest: tuple[float | None, str] | None = None
    _telling: Future[None] | None = None
    _closed: bool = False

    def tell(self, fraction: float | None, text: str) -> None:
        """Store and tell it soon."""
        with self._lock:
            if self._closed:
                return
            self._newest = (fraction, text)
            if self._telling is None:
                self._telling = self.engine.runtime.submit(self._tell())

    async def _tell(self) -> None:
        while True:
            with self._lock:
                newest, self._newest = self._newest, None
                if newest is None:
                    self._telling = None
                    return
            try:
                await self.jobs.progress(self.run, *newest)
                meta = {"status": newest[1], "progress": newest[0]}
                await asyncio.to_thread(self.task.backend.store_result, self.run, meta, "PROGRESS")
            except Exception as error:  # the task itself goes well, and its next word may pass
                log.warning("the progress of run %s cannot be told: %s", self.run, error)

    def close(self) -> None:
        """Wait until what was told is stored; nothing comes after the end of a run."""
        with self._lock:
            self._closed = True
            telling = self._telling
        if telling is not None:
            telling.result()


@dataclass(slots=True)
class Lines:
    """Takes what a task logs into its run's log, many lines in one go, none after the end. From
    any thread; of more than can be kept the oldest lines are left out."""

    engine: Engine
    jobs: Jobs
    run: str
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LINES))
    _writing: Future[None] | None = None
    _closed: bool = False

    def add(self, level: Level, text: str) -> None:
        """Store it soon."""
        # Cut once it is redacted: half a key is not recognised.
        line = LogLine(self.engine.now(), level, text[: 2 * LINE])
        with self._lock:
            if self._closed:
                return
            self._waiting.append(line)
            if self._writing is None:
                self._writing = self.engine.runtime.submit(self._write())

    async def _write(self) -> None:
        while True:
            with self._lock:
                lines = tuple(self._waiting)
                self._waiting.clear()
                if not lines:
                    self._writing = None
                    return
            await self.jobs.write_down(self.run, *lines)

    def close(self) -> None:
        """Wait until what was logged is stored; nothing comes after the end of a run."""
        with self._lock:
            self._closed = True
            writing = self._writing
        if writing is not None:
            writing.result()
