"""The Celery application of an engine: its addresses, its settings, its tasks.

Owns how Celery is configured. An app is made for one engine and carries it, and a task finds
it as `self.app.engine`; a change of broker makes a new app.
"""

import worker.broker  # noqa: F401  (registers the nagatha+file scheme)
from worker import servers
from worker.engine import Engine
from worker.tasks.base import NagathaCelery
from worker.tasks.register import register_tasks

RESULT_LIFETIME = 24 * 3600
"""Seconds that a result is kept for Celery clients."""


def make_app(engine: Engine, broker_url: str, result_backend: str) -> NagathaCelery:
    """A configured app for `engine` with all tasks; nothing connects yet.

    An address that Celery does not know shows only when it is used.
    """
    app = NagathaCelery(
        "nagatha", broker=broker_url, backend=result_backend, set_as_current=False, fixups=[]
    )
    app.engine = engine
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        enable_utc=True,
        timezone="UTC",
        task_default_queue=servers.QUEUE,
        task_queues=servers.queues(broker_url),
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_track_started=True,
        # A prefetched message of the bundled broker counts as a failed delivery when its
        # process dies; fetching one is cheap there. Servers further away are asked for more.
        worker_prefetch_multiplier=1 if servers.is_bundled(broker_url) else 4,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport=servers.transport_of(broker_url),
        broker_transport_options=servers.transport_options(broker_url),
        result_expires=RESULT_LIFETIME,
        beat_schedule={},
    )
    register_tasks(app)
    return app
