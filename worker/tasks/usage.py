"""Usage through the broker.

Owns the published task `track_usage_metrics`.
"""

from datetime import timedelta

from worker.engine import LOCAL_OWNER
from worker.tasks.base import NagathaCelery

SPAN = timedelta(hours=24)


def register(app: NagathaCelery) -> None:
    """Register the task with `app`."""

    @app.task(name="track_usage_metrics", acks_late=True, shared=False)  # type: ignore[untyped-decorator]
    def track_usage_metrics() -> dict[str, object]:
        """Tokens and costs of the last 24 h, from stored calls; an unknown cost is null."""
        engine = app.engine
        until = engine.now()
        summary = engine.runtime.run(
            engine.services(LOCAL_OWNER).usage.summary(until - SPAN, until)
        )
        return {
            "success": True,
            "total_cost": None if summary.cost is None else str(summary.cost),
            "total_requests": summary.requests,
            "total_tokens": summary.input + summary.output,
            "unpriced_requests": summary.unpriced,
            "since": summary.since.isoformat(),
            "until": summary.until.isoformat(),
        }
