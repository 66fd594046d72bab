"""Maintenance through the broker.

Owns the published task `cleanup_memory_and_maintenance`.
"""

from worker.tasks.base import NagathaCelery


def register(app: NagathaCelery) -> None:
    """Register the task with `app`."""

    @app.task(name="cleanup_memory_and_maintenance", acks_late=True, shared=False)  # type: ignore[untyped-decorator]
    def cleanup_memory_and_maintenance() -> dict[str, object]:
        """Remove what expired, give space back, refresh statistics, make the daily copy."""
        engine = app.engine
        return dict(engine.runtime.run(engine.maintenance.run()))
