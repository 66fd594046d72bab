"""A module for tests that changes something outside, and a model that calls it.

Owns the module's source. Its task writes a line into a file, so that each call is seen.
"""

import json
from pathlib import Path

from tests.support.engines import becomes
from tests.support.model_server import Behaviour
from tests.support.worlds import World
from worker.contract.routines import Approval

MAILING = '''
from pathlib import Path


def register_tasks(registry):
    registry.register_task("mailing", "send", send, tool=True, needs_approval=True)


def send(file: str, to: str = "Ann") -> str:
    """Sends a mail."""
    with Path(file).open("a") as lines:
        lines.write(f"{to}\\n")
    return f"Sent to {to}"
'''


def calling(file: Path, *, to: str = "Ann", name: str = "mailing__send") -> Behaviour:
    """A model that sends a mail, and says what came of it."""
    return Behaviour(text="It said: ", calls=((name, json.dumps({"file": str(file), "to": to})),))


def sent(file: Path) -> list[str]:
    """To whom mails were sent."""
    return file.read_text().split() if file.exists() else []


async def asked(there: World, count: int = 1) -> tuple[Approval, ...]:
    """The approvals that wait, once there are so many."""

    async def found() -> tuple[Approval, ...] | None:
        waiting = await there.client.approvals.waiting()
        return waiting if len(waiting) == count else None

    got: tuple[Approval, ...] = await becomes(found, f"{count} approvals wait")
    return got
