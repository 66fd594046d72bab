"""The Celery application of an engine: its addresses, its settings, its tasks.

Owns how Celery is configured. An app is made for one engine and carries it, and a task finds
it as `self.app.engine`; a change of broker makes a new app.
"""

import worker.broker  # noqa: F401  (registers the nagatha+file scheme)
from worker.engine import Engine
from worker.service.dispatch import schedule_headers
from worker.tasks.base import NagathaCelery
from worker.tasks.register import register_tasks

QUEUE = "nagatha"
RESULT_LIFETIME = 24 * 3600
"""Seconds that a result is kept for Celery clients."""
LONGEST_TASK = 12 * 3600
"""Seconds before Redis gives a task that nobody acknowledged to another worker."""
MAINTENANCE_EVERY = 3600.0
USAGE_EVERY = 900.0


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
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_track_started=True,
        # A prefetched message of the bundled broker counts as a failed delivery when its
        # process dies; fetching one is cheap there. Servers further away are asked for more.
        worker_prefetch_multiplier=1 if broker_url.startswith("nagatha+") else 4,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        result_expires=RESULT_LIFETIME,
        broker_transport_options=_transport_options(broker_url),
        beat_schedule={
            "maintenance": {
                "task": "cleanup_memory_and_maintenance",
                "schedule": MAINTENANCE_EVERY,
                "options": {"priority": 0, "headers": schedule_headers("maintenance")},
            },
            "usage": {
                "task": "track_usage_metrics",
                "schedule": USAGE_EVERY,
                "options": {"priority": 0, "headers": schedule_headers("usage")},
            },
        },
    )
    register_tasks(app)
    return app


def _transport_options(broker_url: str) -> dict[str, object]:
    if not broker_url.startswith("redis"):
        return {}
    return {
        "visibility_timeout": LONGEST_TASK,
        "unacked_restore_interval": 1,
        "socket_keepalive": True,
        "health_check_interval": 30,
        # Who sends a task must not wait for long: its row is there, and it is queued later.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
    }
