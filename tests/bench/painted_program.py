"""The program under measurement, for bench_painted: asks, and says when things were painted.

Run as a process: python -m tests.bench.painted_program ROUNDS
"""

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from nagatha_desktop.app import LocalBackend
from nagatha_desktop.platform.lean import spare_sources
from nagatha_desktop.program import Program
from nagatha_desktop.state import WindowState, read
from worker.contract.types import Chat, Message
from worker.paths import Paths

PATIENCE = 120.0


class Painted(QObject):
    """Says when something inside the watched widget was next painted."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self._armed = False
        self.at = 0.0
        app.installEventFilter(self)

    def arm(self) -> None:
        self._armed, self.at = True, 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._armed and event.type() == QEvent.Type.Paint:
            self._armed = False
            # The filter runs before the painting; its end is the next turn of the loop.
            self.at = time.perf_counter()
        return False


def wait(app: QApplication, condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        app.processEvents()
        # Gives the interpreter to the other threads, as the real loop's waiting does.
        time.sleep(0.0005)


def long_chat(messages: int) -> tuple[Chat, list[Message]]:
    now = datetime.now(UTC)
    found: list[Message] = []
    for number in range(messages):
        user = number % 2 == 0
        found.append(
            Message(
                id=f"long-{number}",
                chat="long",
                parent=found[-1].id if found else None,
                role="user" if user else "assistant",
                state="complete",
                text=f"Message {number} with **some** words " * (1 if user else 12),
                created=now + timedelta(seconds=number),
            )
        )
    head = found[-1].id
    return Chat("long", "A long chat", now, now, head=head, messages=messages), found


def main(rounds: int) -> dict[str, float]:
    spare_sources()
    app = QApplication([])
    paths = Paths.find()
    state = WindowState(paths.home, read(paths.home)[0])
    backend = LocalBackend(paths)
    program = Program(app, state, backend)
    program.start(["show chat"], hidden=False)
    wait(app, lambda: program.bridge.connected, "the engine")
    model, transcript = program.window.model, program.window.transcript
    painted = Painted(app)
    plain = transcript.append_text

    def noted(message: str, text: str, offset: int) -> None:
        plain(message, text, offset)
        if offset == 0:
            painted.arm()

    transcript.append_text = noted  # type: ignore[method-assign]

    def finished() -> bool:
        last = model.last_of("assistant")
        return last is not None and last.state == "complete" and not model.busy

    firsts = []
    for number in range(rounds + 1):
        model.new_chat()
        painted.at = 0.0
        began = time.perf_counter()
        model.send("Hello")
        wait(app, lambda: painted.at > 0, "the first token")
        if number:
            firsts.append(painted.at - began)
        wait(app, finished, "the answer")

    rates = []
    for _ in range(3):
        model.new_chat()
        model.choose_model("openai", "long")
        began = time.perf_counter()
        model.send("Hello")
        wait(app, lambda: model.busy, "the long answer's begin")
        wait(app, finished, "the long answer")
        last = model.last_of("assistant")
        assert last is not None
        rates.append(len(last.text) / (time.perf_counter() - began))

    engine = backend._engine
    runtime = backend._runtime
    assert engine is not None
    assert runtime is not None
    chat, messages = long_chat(10_000)
    runtime.run(engine._engine.storage.import_chat("local", chat, messages, {}))
    opened = []
    for _ in range(5):
        model.new_chat()
        wait(app, lambda: model.chat_id == "", "an empty chat")
        painted.at = 0.0
        began = time.perf_counter()
        model.open("long")
        wait(app, lambda: bool(model.messages) and transcript.message_count() > 0, "the chat")
        painted.arm()
        transcript.update()
        wait(app, lambda: painted.at > 0, "its painting")
        app.processEvents()
        opened.append(time.perf_counter() - began)
    done = threading.Event()
    backend.end(done.set)
    done.wait(20)
    return {
        "first": statistics.median(firsts),
        "rate": statistics.median(rates),
        "open": statistics.median(opened),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))), flush=True)
    sys.stdout.flush()
    import os

    os._exit(0)
