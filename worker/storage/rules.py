"""What every backend agrees on: the errors of missing things, who may take a run, how a tree is
walked.

Owns rules without I/O, so that two backends cannot differ in them.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush

from worker.contract.errors import Conflict, InvalidInput, NotFound
from worker.contract.jobs import LogLine
from worker.contract.routines import FAILURES_TO_PAUSE, Routine
from worker.contract.types import (
    FINAL_STATES,
    Attachment,
    Chat,
    Message,
    Problem,
    Run,
    RunState,
    Usage,
)
from worker.storage import folding
from worker.storage.approvals import ParkedCall
from worker.storage.routines import OVERLAP

AT_WORK: tuple[RunState, ...] = ("STARTED", "PROGRESS")
"""A run in one of these is being worked at."""
CLAIMABLE: frozenset[RunState] = frozenset({"PENDING", "RETRY", "INTERRUPTED"})
"""A run in one of these can be taken, unless a process works at it."""
WAITING: frozenset[RunState] = frozenset({"PENDING", "RETRY"})
"""A run in one of these waits to be begun, once or once more."""

LINES = 1000
"""Of one run's log; the oldest ones go."""
LINE = 4000
"""Characters of a line in it; the rest is cut off."""
MOST_WORDS = 16
"""Of a query for runs; what is more is not looked at."""

MOST_HITS = 1000
"""More are not looked for: each is read and folded, and nobody reads so many."""
MOST_TOKENS = 10**12
"""Of one call; a million such can still be added up."""
_MOST = 2**31 - 1


def missing_chat(chat: str) -> NotFound:
    """There is no such chat."""
    return NotFound("Chat not found", f"There is no chat {chat!r}.", "It may have been deleted.")


def missing_message(message: str) -> NotFound:
    """There is no such message."""
    return NotFound(
        "Message not found", f"There is no message {message!r}.", "It may have been deleted."
    )


def missing_attachment(attachment: str) -> NotFound:
    """There is no such attachment."""
    return NotFound(
        "File not found", f"There is no attachment {attachment!r}.", "Attach the file again."
    )


def missing_run(run: str) -> NotFound:
    """There is no such run."""
    return NotFound("Run not found", f"There is no run {run!r}.", "It may have been cleaned up.")


def missing_reminder(reminder: str) -> NotFound:
    """There is no such reminder."""
    return NotFound(
        "Reminder not found", f"There is no reminder {reminder!r}.", "It may have been deleted."
    )


def missing_firing(firing: str) -> NotFound:
    """There is no such firing."""
    return NotFound(
        "Reminder not found", f"There is no time {firing!r} of one.", "It may have been cleaned up."
    )


def not_above(before: str, leaf: str) -> NotFound:
    """`before` does not stand on the branch that ends in `leaf`."""
    return NotFound(
        "Message not found",
        f"The message {before!r} is not above {leaf!r}.",
        "Open the chat again to see its current branch.",
    )


def answer_under_way() -> Conflict:
    """An answer is being written in that chat."""
    return Conflict(
        "An answer is still being written",
        "A chat can hold one answer at a time.",
        "Wait for it to end, or stop it.",
    )


def answer_complete() -> Conflict:
    """An answer that is to go on was completed meanwhile."""
    return Conflict("The answer is complete by now", "It has gone on already.")


def at_work() -> Conflict:
    """What is asked for would pull the data away from what is being written."""
    return Conflict(
        "Something is still running",
        "An answer or a task would lose what it writes.",
        "Stop it, or wait for it to end, and try again.",
        action="wait",
    )


def already_there(what: str, name: str) -> Conflict:
    """Something new has the id of something stored."""
    return Conflict(f"The {what} is there already", f"The id {name!r} is taken.", "Use a new id.")


def not_streaming(message: str) -> Conflict:
    """Text came for a message that has ended."""
    return Conflict(
        "The answer has ended already", f"The message {message!r} takes no more text.", ""
    )


def text_gap(message: str, there: int, offset: int) -> InvalidInput:
    """Text came that does not join what is kept."""
    return InvalidInput(
        "A piece of the answer is missing",
        f"{there} characters of {message!r} are kept, and the next piece begins at {offset}.",
        "Send the text again from where it ends.",
    )


def within(limit: int, most: int = _MOST) -> int:
    """A limit that every backend can take: at least 0, and no more than there can be."""
    return max(0, min(limit, most))


def counted(usage: Usage) -> Usage:
    """What can be added up: a server may claim any number of tokens."""
    return replace(
        usage,
        input=within(usage.input, MOST_TOKENS),
        output=within(usage.output, MOST_TOKENS),
        cached=within(usage.cached, MOST_TOKENS),
    )


def not_the_same_file(attachment: str) -> Conflict:
    """An import brings other bytes under the id of a file that is kept."""
    return Conflict(
        "The chat cannot be imported",
        f"Another file with the id {attachment!r} is there already.",
        "It was left as it is.",
    )


def joined(base: str, pieces: Iterable[tuple[int, str]]) -> str:
    """The text of a streaming answer: `base`, and pieces by their offset, which may overlap."""
    parts = [base]
    length = len(base)
    for offset, text in pieces:
        if offset + len(text) > length:
            parts.append(text[length - offset :])
            length = offset + len(text)
    return "".join(parts)


def claimable(run: Run, holder: str, process: str, at: datetime) -> bool:
    """Whether `process` may take `run`, which `holder` has ("" for nobody), at this moment."""
    if run.state not in CLAIMABLE or holder not in ("", process):
        return False
    return not is_early(run, at)


def is_early(run: Run, at: datetime) -> bool:
    """Whether `run` is to be tried again, and not yet."""
    return run.state == "RETRY" and run.due is not None and run.due > at


def claimed(run: Run, at: datetime) -> Run:
    """`run` as it is once a process has taken it."""
    return replace(
        run,
        state="STARTED",
        started=at,
        ended=None,
        attempts=run.attempts + 1,
        progress=None,
        progress_text="",
        error=None,
        due=None,
    )


def released(run: Run) -> Run:
    """`run` as it is once its dead process has lost it."""
    return replace(run, state="PENDING", started=None, progress=None, progress_text="")


def reopened(run: Run) -> Run | None:
    """`run` as it is once it waits again after its failure; None for one that has not failed."""
    if run.state != "FAILURE":
        return None
    return replace(released(run), ended=None, error=None, due=None, result=None)


def hastened(run: Run, process: str, priority: int) -> Run | None:
    """`run` as it is once it waits for no time any more; None for one that does not wait."""
    if process or run.state not in ("PENDING", "RETRY"):
        return None
    error = None if run.error is None else replace(run.error, retry_at=None)
    return replace(run, due=None, priority=priority, error=error)


def kept_lines(lines: Sequence[LogLine]) -> list[LogLine]:
    """Of new lines what is kept."""
    return [replace(line, text=line.text[:LINE]) for line in lines[-LINES:]]


def is_quiet(run: Run) -> bool:
    """Whether nobody misses it for long: one of many alike that went well."""
    return run.kind == "maintenance" and run.state == "SUCCESS"


def words_of(query: str) -> tuple[str, ...]:
    """What a run has to hold for a query; () for one that is empty."""
    return tuple(dict.fromkeys(folding.fold(query).split()))[:MOST_WORDS]


def holds_words(
    words: Sequence[str], name: str, arguments: object, error: Problem | None, title: str
) -> bool:
    """Whether a run of this name, with these arguments, holds all of `words`; `title` is its
    chat's."""
    parts = [name, title, *_texts(arguments)]
    if error is not None:
        parts += [error.title, error.message, error.remedy]
    # No word has a line end in it, so none is found across two parts.
    text = folding.fold("\n".join(parts))
    return all(word in text for word in words)


def _texts(value: object) -> Iterator[str]:
    """Everything in a JSON value that a person reads."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield json.dumps(value)


def ended(run: Run) -> bool:
    """Whether it does not change any more."""
    return run.state in FINAL_STATES


def settled(answer: Message) -> Message:
    """An answer that ended: no call of it is under way any more."""
    if answer.state == "streaming" or all(tool.state != "running" for tool in answer.tools):
        return answer
    tools = (
        replace(tool, state="failed", result=tool.result or "It did not end.")
        if tool.state == "running"
        else tool
        for tool in answer.tools
    )
    return replace(answer, tools=tuple(tools))


def missing_routine(routine: str) -> NotFound:
    """There is no such routine."""
    return NotFound(
        "Schedule not found", f"There is no schedule {routine!r}.", "It may have been removed."
    )


def missing_occurrence(occurrence: str) -> NotFound:
    """There is no such time of a routine."""
    return NotFound("Not found", f"There is no time {occurrence!r} of a schedule.", "")


def missing_approval(approval: str) -> NotFound:
    """There is no such question."""
    return NotFound(
        "Approval not found", f"There is no approval {approval!r}.", "It may have been removed."
    )


def waits(parked: ParkedCall) -> bool:
    """Whether a call has no verdict yet."""
    return parked.approval.verdict is None


def overlapping() -> Conflict:
    """The time before still goes on."""
    return Conflict(
        "The run before has not ended yet",
        "A schedule runs once at a time.",
        "Wait for it, or stop it.",
        kind=OVERLAP,
    )


def decided_before() -> Conflict:
    """An approval has its verdict."""
    return Conflict("This was answered before", "The first answer counts.")


def expired_approval() -> Conflict:
    """An approval whose run has ended."""
    return Conflict("Nobody waits for this any more", "What asked for it has ended.")


def failed_once_more(
    routine: Routine, failed: bool | None, pause_why: str, at: datetime | None
) -> Routine:
    """`routine` after one of its runs ended: with its count of failures, and paused where those
    are too many, which changes it `at` that time (where that is known)."""
    if failed is None:
        return routine
    failures = routine.failures + 1 if failed else 0
    if failures < FAILURES_TO_PAUSE or routine.paused:
        return replace(routine, failures=failures)
    return replace(
        routine,
        failures=failures,
        paused=True,
        paused_why=pause_why,
        due=None,
        updated=at or routine.updated,
    )


def worked_seconds(
    started: datetime | None, ended: datetime | None, parked: datetime | None, before: float
) -> float | None:
    """From its start to its end, without the time it was parked: `before` seconds, and since
    `parked`."""
    if started is None or ended is None:
        return None
    since = 0.0 if parked is None else max(0.0, (ended - parked).total_seconds())
    return max(0.0, (ended - started).total_seconds() - before - since)


def keeps_process(state: RunState) -> bool:
    """Whether a run that is saved in `state` still belongs to the process that claimed it."""
    return state in AT_WORK


def in_order(messages: Sequence[Message]) -> list[Message]:
    """Parents before children, otherwise by time. Raises InvalidInput where that cannot be."""
    known = {message.id for message in messages}
    if len(known) != len(messages):
        raise _broken_tree("two messages have the same id")
    children: dict[str | None, list[tuple[datetime, int, Message]]] = {}
    for place, message in enumerate(messages):
        if message.parent is not None and message.parent not in known:
            raise _broken_tree(f"the message {message.parent!r} is missing")
        entry = (message.created, place, message)
        children.setdefault(message.parent, []).append(entry)
    ordered: list[Message] = []
    ready = sorted(children.get(None, []))
    while ready:
        _, _, message = heappop(ready)
        ordered.append(imported(message))
        for entry in children.get(message.id, ()):
            heappush(ready, entry)
    if len(ordered) != len(messages):
        raise _broken_tree("its messages stand in a circle")
    return ordered


def imported(message: Message) -> Message:
    """`message` as it is stored by an import: nobody writes it any more."""
    return replace(message, state="interrupted") if message.state == "streaming" else message


def imported_head(chat: Chat, messages: Sequence[Message]) -> str | None:
    """The head of an imported chat: the one it names, or the last message."""
    if any(message.id == chat.head for message in messages):
        return chat.head
    return messages[-1].id if messages else None


def _broken_tree(why: str) -> InvalidInput:
    return InvalidInput(
        "The chat cannot be read", f"Its messages do not fit together: {why}.", "Export it again."
    )


def check_attachments(
    messages: Sequence[Message], given: Mapping[str, bytes], stored: Collection[str]
) -> dict[str, Attachment]:
    """The attachments of an imported chat by id; raises InvalidInput where bytes are missing."""
    wanted = {file.id: file for message in messages for file in message.attachments}
    for name in wanted:
        if name not in given and name not in stored:
            raise InvalidInput(
                "The chat cannot be read",
                f"Its attachment {name!r} is missing.",
                "Export it again.",
            )
    return wanted


def newest_leaf(start: str, rows: Sequence[tuple[str, str | None, int]]) -> str:
    """From `start` down, at each fork to the child whose subtree was written in last.

    `rows` are (node, parent, when it was written: a growing number) of the subtree, parents
    before children, `start` among them.
    """
    newest = {node: written for node, _, written in rows}
    best: dict[str, tuple[int, str]] = {}
    for node, parent, _ in reversed(rows):
        if node == start or parent is None:
            continue
        newest[parent] = max(newest[parent], newest[node])
        if parent not in best or best[parent][0] < newest[node]:
            best[parent] = (newest[node], node)
    while start in best:
        start = best[start][1]
    return start
