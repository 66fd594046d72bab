"""What is known of runs when a copy takes the place of the database.

Owns that a run which had not ended when the copy was made, and has since, is not begun once more:
its end is in the database that is replaced. It must not know files.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from worker.contract.errors import NotFound
from worker.contract.system import Backup
from worker.contract.types import FINAL_STATES, Message, Run
from worker.service import run_words
from worker.storage.base import OwnedRun, Storage


@dataclass(frozen=True, slots=True)
class KnownEnd:
    """How a run ended that the copy has as unfinished."""

    owner: str
    run: Run
    answer: Message | None
    """What it wrote, where it wrote an answer."""


async def known_ends(
    storage: Storage, unfinished: Sequence[tuple[str, str]]
) -> tuple[KnownEnd, ...]:
    """Of the copy's `unfinished` runs (owner and id) those that have ended in `storage`, which is
    about to be replaced."""
    found: list[KnownEnd] = []
    for owner, name in unfinished:
        with contextlib.suppress(NotFound):
            run = await storage.get_run(owner, name)
            if run.state not in FINAL_STATES:
                continue
            answer = None
            if run.message is not None:
                answer = await storage.get_message(owner, run.message)
                if answer.run != run.id:
                    continue  # another run went on with it: this one's text is not known any more
            found.append(KnownEnd(owner, run, answer))
    return tuple(found)


async def carry_over(storage: Storage, ends: Sequence[KnownEnd]) -> None:
    """Store these ends in `storage`, the restored copy."""
    for end in ends:
        with contextlib.suppress(NotFound):
            await _carry_over(storage, end)


async def _carry_over(storage: Storage, end: KnownEnd) -> None:
    run = end.run
    if (await storage.get_run(end.owner, run.id)).state in FINAL_STATES:
        return
    assert run.ended is not None  # it is in a final state
    lines = (run_words.line(run.ended, run_words.CARRIED_OVER), run_words.ended(run))
    there = None
    if end.answer is not None:
        there = await storage.get_message(end.owner, end.answer.id)
    if end.answer is None or there is None or (there.state, there.run) != ("streaming", run.id):
        await storage.save_run(end.owner, run, lines)
        return
    # Where it stands is the copy's; what was written is not.
    written = replace(end.answer, parent=there.parent, chat=there.chat)
    await storage.finish_answer(end.owner, written, run)
    await storage.add_log(end.owner, run.id, lines)


async def end_of_copying(storage: Storage, claimed: Sequence[OwnedRun], copy: Backup) -> None:
    """End the run that made `copy`: in the copy it is at work still, but here the copy is.

    `claimed` are the unfinished runs of the restored copy that a process had claimed.
    """
    makers = [
        owned
        for owned in claimed
        if owned.run.kind == "backup"
        and owned.run.name == "backup"
        and (owned.run.arguments or {}).get("reason") == copy.reason
    ]
    if len(makers) != 1:
        return  # nobody knows which of them it was
    (maker,) = makers
    run = replace(maker.run, state="SUCCESS", progress=1.0, result=copy.name, ended=copy.created)
    await storage.save_run(maker.owner, run, (run_words.ended(run),))
