"""The Celery app and its tasks as they know each other.

Owns the attribute that ties an app to its engine, that a paused engine begins nothing, and how a
failure is told to Celery.
"""

from celery import Celery, Task
from celery.backends.base import Backend
from celery.exceptions import Reject

from worker.broker.results import Backend as Bundled
from worker.engine import Engine
from worker.servers import is_bundled, told_priority


def _nobody_waits(producer: object, task_id: str) -> dict[str, object]:
    """In the place of a backend's preparation for somebody who waits for a result."""
    return {}


class NagathaTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task that goes back into the queue when work was paused after it had been taken."""

    def __call__(self, *places: object, **arguments: object) -> object:
        """What a worker does for a message."""
        if self._held_back():
            raise Reject("background work is paused", requeue=True)
        return self.run(*places, **arguments)

    def _held_back(self) -> bool:
        address = str(self.app.conf.broker_url)
        told = (self.request.delivery_info or {}).get("priority") or 0
        engine: Engine = self.app.engine
        return engine.background.holds_back(told_priority(address, told))


class NagathaCelery(Celery):  # type: ignore[misc]
    """A Celery app that carries the engine it was made for."""

    engine: Engine
    task_cls = NagathaTask

    def _get_backend(self) -> Backend:
        url = str(self.conf.result_backend or "")
        if is_bundled(url):
            # Celery would look through all installed packages for another one of that name, and
            # again for each thread: 10 to 20 ms each.
            backend: Backend = Bundled(app=self, url=url)
        else:
            backend = super()._get_backend()
        # Nobody here waits for a result, and Redis would be asked to tell of each: one more
        # connection for each thread that sends, and a wait of 20 s when the server is gone.
        backend.on_task_call = _nobody_waits
        return backend


class TaskFailed(Exception):
    """A task failed; the text says how, for Celery clients elsewhere."""
