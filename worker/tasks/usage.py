"""Usage through the broker.

Owns the published task `track_usage_metrics`.
"""

from datetime import timedelta

from celery import Task

from worker.contract.types import JsonObject
from worker.engine import LOCAL_OWNER
from worker.service.maintenance import Report
from worker.tasks.base import NagathaCelery, TaskFailed
from worker.tasks.engine_runs import carry_out

SPAN = timedelta(hours=24)


def register(app: NagathaCelery) -> None:
    """Register the task with `app`."""

    @app.task(  # type: ignore[untyped-decorator]
        name="track_usage_metrics",
        bind=True,
        acks_late=True,
        shared=False,
        throws=(TaskFailed,),
    )
    def track_usage_metrics(self: Task) -> dict[str, object]:
        """Tokens and costs of the last 24 h, from stored calls; an unknown cost is null."""
        engine = app.engine

        async def track(report: Report) -> JsonObject:
            until = engine.now()
            summary = await engine.services(LOCAL_OWNER).usage.summary(until - SPAN, until)
            return {
                "success": True,
                "total_cost": None if summary.cost is None else str(summary.cost),
                "total_requests": summary.requests,
                "total_tokens": summary.input + summary.output,
                "unpriced_requests": summary.unpriced,
                "since": summary.since.isoformat(),
                "until": summary.until.isoformat(),
            }

        return carry_out(engine, self, track)
