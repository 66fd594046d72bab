"""A real Celery worker in a thread of the test, on any broker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kombu.pools
from celery import Celery, _state
from celery.worker import WorkController, state

import worker.broker
from tests.support.processes import DEADLINE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker and its results are. `path` is the file of the bundled one."""

    url: str
    path: str | None = None


def make_app(place: Place, **settings: Any) -> Celery:
    """An app on that broker that nobody but its maker sees."""
    app = Celery("contract", broker=place.url, backend=place.url, set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={} if place.path else {"visibility_timeout": 3600},
        worker_hijack_root_logger=False,
        worker_send_task_events=True,
        task_default_queue="contract",
        **settings,
    )
    return app


def close_app(app: Celery, place: Place) -> None:
    """Ends what the app has open, also for results that nobody awaited."""
    consumer = app.backend.result_consumer
    consumer.stop()
    if not place.path:
        consumer.subscribed_to.clear()  # or a result that is collected later would reconnect
        app.backend.client.close()
    kombu.pools.reset()
    app.close()
    if place.path:
        worker.broker.close(place.path)


@contextmanager
def running(app: Celery, place: Place, **options: Any) -> Iterator[WorkController]:
    """A worker with the threads pool; stopped, with everything it had, at the end of the block."""
    before = _state.default_app
    app.set_default()
    options = {"pool": "threads", "concurrency": 4, "hostname": "tests@here", **options}
    options |= {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    ready = threading.Event()
    options["ready_callback"] = lambda consumer: ready.set()  # the last that a consumer begins
    controller = WorkController(app=app, **options)
    thread = threading.Thread(target=controller.start, name="contract-worker", daemon=True)
    thread.start()

    assert ready.wait(DEADLINE), "the worker consumes"
    _state._set_task_join_will_block(False)
    try:
        yield controller
    finally:
        state.should_stop = 0
        if place.path:
            worker.broker.wake(place.path)
        thread.join(60)
        state.should_stop = None
        assert not thread.is_alive()
        _state.default_app = before
