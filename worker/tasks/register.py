"""Which tasks exist, and which of them Beat queues.

Owns the list of task files, and how Beat is told of the entries. What the tasks do is in
`worker.service`.
"""

from worker.servers import queue_for, told_priority
from worker.service.dispatch import schedule_headers
from worker.service.schedules import entries_of
from worker.tasks import chat, memory, modules, queries, scheduled, usage
from worker.tasks.base import NagathaCelery


def refresh_tasks(app: NagathaCelery) -> None:
    """Register the tasks of the modules that are on now with an `app` that has the others."""
    modules.register(app)
    _schedule(app)


def register_tasks(app: NagathaCelery) -> None:
    """Register every task of the engine, and those of the modules that are on, with `app`."""
    register_own_tasks(app)
    refresh_tasks(app)


def register_own_tasks(app: NagathaCelery) -> None:
    """Register the engine's own tasks with `app`, which needs its engine only when they run."""
    chat.register(app)
    memory.register(app)
    usage.register(app)
    queries.register(app)
    scheduled.register(app)


def _schedule(app: NagathaCelery) -> None:
    """Let Beat queue the entries that there are now."""
    address = str(app.conf.broker_url)
    app.conf.beat_schedule = {
        entry.name: {
            "task": entry.task,
            "schedule": entry.interval,
            "options": {
                "queue": queue_for(entry.priority),
                "priority": told_priority(address, entry.priority),
                "headers": schedule_headers(entry.name),
            },
        }
        for entry in entries_of(app.engine.host)
    }
