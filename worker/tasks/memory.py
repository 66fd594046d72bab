"""Maintenance through the broker.

Owns the published task `cleanup_memory_and_maintenance`.
"""

from celery import Task

from worker.tasks.base import NagathaCelery, TaskFailed
from worker.tasks.engine_runs import carry_out


def register(app: NagathaCelery) -> None:
    """Register the task with `app`."""

    @app.task(  # type: ignore[untyped-decorator]
        name="cleanup_memory_and_maintenance",
        bind=True,
        acks_late=True,
        shared=False,
        throws=(TaskFailed,),
    )
    def cleanup_memory_and_maintenance(self: Task) -> dict[str, object]:
        """Remove what expired, give space back, refresh statistics, make the daily copy."""
        return carry_out(app.engine, self, app.engine.maintenance.run)
