"""Which tasks exist.

Owns the list of task files. What the tasks do is in `worker.service`.
"""

from worker.tasks import chat, memory, modules, queries, usage
from worker.tasks.base import NagathaCelery


def refresh_tasks(app: NagathaCelery) -> None:
    """Register the tasks of the modules that are on now with an `app` that has the others."""
    modules.register(app)


def register_tasks(app: NagathaCelery) -> None:
    """Register every task of the engine, and those of the modules that are on, with `app`."""
    chat.register(app)
    memory.register(app)
    usage.register(app)
    queries.register(app)
    modules.register(app)
