"""Dies at every single statement of a process's life with the broker, and looks what is left.

    python -m tests.contract.broker_crash FOLDER

A child runs through everything that changes the file: it opens it and takes back what a dead
process had, publishes, claims, settles, cleans up, closes. It is killed when its first statement
begins, the next child when its second does, and so on, until one comes through. So every moment
between two statements is tried, those in the middle of a transaction and of a recovery among them.
Prints what is wrong, and at last how many moments there were.
"""

import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

from worker.broker import schema
from worker.broker.node import Node
from worker.broker.result_store import ChordPart
from worker.broker.store import NewMessage, Route

NOW = 1_800_000_000.0
LEFT_BY_THE_DEAD = ("d0", "d1", "d2")
POISON = "d9"  # has failed four times


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def make_template(path: Path) -> None:
    """A file in which a process died that had messages, a temporary queue and a chord."""
    node = Node(path, Clock())
    node.messages.publish([NewMessage("q", name) for name in (*LEFT_BY_THE_DEAD, POISON)])
    node.messages.publish([NewMessage("q", "later", due=NOW + 10, priority=7, task="later")])
    node.messages.publish([NewMessage("old", "old", expires=NOW + 1)])
    node.messages.join("dead")
    node.messages.declare_queue("reply", owner="dead")
    node.messages.bind("exchange", Route("", "", "reply"))
    node.messages.publish([NewMessage("reply", "nobody reads this")])
    node.messages.claim("q", 4, "dead", "channel")
    node._database.write("UPDATE message SET failures = 4 WHERE payload = ?", (POISON,))
    node.results.start_chord("chord", 1, None)
    node.results.join_chord(ChordPart("chord", "task", 0, "1"), "dead", None)
    node.close()


def live(path: Path, said: int) -> None:
    """Everything that changes the file; `said` gets a line before and after each step."""

    def say(what: str) -> None:
        os.write(said, f"{what}\n".encode())

    clock = Clock()
    node = Node(path, clock)
    say("opened")
    for step, messages in {
        "one": [NewMessage("q", "one", priority=9)],
        "two": [NewMessage("q", "two", priority=8), NewMessage("other", "two")],
    }.items():
        node.publish(messages)
        say(f"{step} published")
    first, second, third, *rest = node.messages.claim("q", 5, node.id, "channel")
    for claimed in (first, second, third, *rest):
        node.in_hand[claimed.id] = claimed.payload
    say(f"acking {first.payload}")
    node.ack(first.id)
    say(f"acked {first.payload}")
    say(f"settling {second.payload}")
    node.put_result("result", second.payload, "SUCCESS", None, message=second.id, settles=True)
    say(f"settled {second.payload}")
    node.messages.fail(third.id, node.id)
    node.give_back("channel", [claimed.id for claimed in rest])
    clock.now += 11
    node.messages.promote_due()
    (letter,) = node.upkeep.dead_letters()
    node.upkeep.retry(letter.id)
    node.results.join_chord(ChordPart("chord", "task", 0, "1"), node.id, None)
    node.results.finish_chord("chord")
    node.upkeep.clean()
    node.close()
    say("closed")


def look(path: Path, said: list[str]) -> list[str]:
    """What is wrong after a child died that had said this."""
    node = Node(path, Clock())
    try:
        read = node._database.read
        rows = read("SELECT payload, queue, owner FROM message UNION ALL SELECT payload, queue, '' "
                    "FROM dead")  # fmt: skip
        there = sorted(str(payload) for payload, _, _ in rows)
        wrong = [f"twice: {name}" for name in set(there) if there.count(name) > 1 + (name == "two")]
        expected = [*LEFT_BY_THE_DEAD, POISON, "later"]
        expected += ["one"] * ("one published" in said) + ["two"] * ("two published" in said)
        gone = {line.split()[1] for line in said if line.startswith(("acking", "settling"))}
        wrong += [f"lost: {name}" for name in expected if name not in there and name not in gone]
        if there.count("two") == 1 and "two" not in gone:
            wrong.append("stored in one queue of two")
        for line in said:
            what, _, name = line.partition(" ")
            count = there.count(name) - (name == "two")  # the other queue's copy stays
            if what in ("acked", "settled") and count > 0:
                wrong.append(f"came back: {name}")
        result = node.results.get("result")
        for name in (line.split()[1] for line in said if line.startswith("settling")):
            if (result is None) == (there.count(name) - (name == "two") <= 0):
                wrong.append(f"{name}: result {result!r}, but {there.count(name)} messages")
        wrong += [f"still owned: {row}" for row in rows if row[2]]
        for what, query in {
            "peers": f"SELECT id FROM peer WHERE id <> '{node.id}'",
            "temporary queues": "SELECT name FROM queue WHERE temporary",
            "bindings": "SELECT queue FROM binding",
            "chords that nobody goes on with": "SELECT id FROM chord WHERE claimed IS NOT NULL "
            "AND NOT done",
            "failures": "SELECT payload, failures FROM message WHERE failures > 2 "
            f"AND payload <> '{POISON}'",
        }.items():
            if found := read(query):
                wrong.append(f"{what}: {found}")
        if read("PRAGMA integrity_check") != [("ok",)]:
            wrong.append("the file is damaged")
    finally:
        node.close()
    if locks := [file.name for file in path.parent.glob("queue.db.peers/*-*.lock")]:
        wrong.append(f"lock files: {locks}")
    return wrong


def die_at(moment: int) -> None:
    """Have this process killed when it begins its statement of that number."""
    left = [moment]
    connect = schema.connect

    def count(statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(path: Path) -> sqlite3.Connection:
        db = connect(path)
        db.set_trace_callback(count)
        return db

    schema.connect = traced


def one_life(folder: Path, template: Path, moment: int) -> tuple[bool, list[str]]:
    """Whether a child that should die at a moment came through, and what is wrong after it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "queue.db"
    shutil.copy(template, path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_at(moment)
            live(path, writing)
            code = 0
        finally:
            if code:
                sys.excepthook(*sys.exc_info())
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read().splitlines()
    status = os.waitpid(child, 0)[1]
    wrong = look(path, said)
    if status not in (0, signal.SIGKILL):
        wrong.append(f"the child ended with {status}")
    return status == 0, [f"moment {moment} ({said[-1:]}): {what}" for what in wrong]


def main() -> int:
    folder = Path(sys.argv[1])
    template = folder / "template.db"
    make_template(template)
    moment, through, wrong = 0, False, 0
    while not through:
        moment += 1
        through, found = one_life(folder / "life", template, moment)
        for line in found:
            print(line)
        wrong += len(found)
    print(f"{moment} moments, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
