"""The Celery application of an engine: its addresses, its settings, its tasks.

Owns how Celery is configured. An app is made for one engine and carries it, and a task finds
it as `self.app.engine`; a change of broker makes a new app.
"""

from pathlib import Path

from celery import Celery

import worker.broker  # registers the nagatha+file scheme
from worker import servers
from worker.config import Settings
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
    configure(app, broker_url)
    register_tasks(app)
    return app


def addresses(settings: Settings, queue_file: Path, url: str | None = None) -> tuple[str, str]:
    """Broker and result backend for `url`, or for the settings' when None.

    `queue_file` is the bundled broker's, which is used where the address is empty.
    """
    bundled = worker.broker.broker_url(queue_file)
    broker = settings.celery.broker_url if url is None else url
    if not broker:
        return bundled, bundled
    backend = settings.celery.result_backend
    if not backend:
        # RabbitMQ keeps no results for a day; they stay on this machine then.
        backend = bundled if servers.is_rabbitmq(broker) else broker
    return broker, backend


def configure(app: Celery, broker_url: str) -> None:
    """Give an app every setting of ours but its addresses; `broker_url` is where it is used."""
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
