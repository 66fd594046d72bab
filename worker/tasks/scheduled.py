"""What is due, through the broker.

Owns the published task `process_scheduled_tasks`: the safety net below the timers of
`worker.service.reminding` and `worker.service.routine_clock`.
"""

from celery import Task

from worker.contract.types import JsonObject
from worker.service.maintenance import Report
from worker.tasks.base import NagathaCelery, TaskFailed
from worker.tasks.engine_runs import carry_out


def register(app: NagathaCelery) -> None:
    """Register the task with `app`."""

    @app.task(  # type: ignore[untyped-decorator]
        name="process_scheduled_tasks",
        bind=True,
        acks_late=True,
        shared=False,
        throws=(TaskFailed,),
    )
    def process_scheduled_tasks(self: Task) -> dict[str, object]:
        """Fire the reminders and begin the routines that are due; says how many reminders."""
        engine = app.engine

        async def look(report: Report) -> JsonObject:
            counts = await engine.reminding.tick()
            await engine.routine_clock.tick()
            return counts

        return carry_out(engine, self, look)
