"""The Celery app as tasks know it.

Owns the one attribute that ties an app to its engine, and how a failure is told to Celery.
"""

from celery import Celery

from worker.engine import Engine


class NagathaCelery(Celery):  # type: ignore[misc]  # celery ships no types
    """A Celery app that carries the engine it was made for."""

    engine: Engine


class TaskFailed(Exception):
    """A task failed; the text says how, for Celery clients elsewhere."""
