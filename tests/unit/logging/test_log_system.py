"""The log: lines of JSON in a private file, from any thread, whatever the disk does."""

import errno
import io
import json
import logging
import os
import queue
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from worker import logging as ours
from worker.logging import LogSystem, Redactor
from worker.runtime import Runtime

SECRET = "correct-horse-battery"


@pytest.fixture
def redactor() -> Redactor:
    made = Redactor()
    made.add(SECRET)
    return made


@pytest.fixture(autouse=True)
def _meant(expect_log_errors: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests log errors on purpose; pytest-qt's hook for exceptions is not asked."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)


@contextmanager
def _ours_alone() -> Iterator[None]:
    """Without pytest's handlers, which raise on records that cannot be shown."""
    root = logging.getLogger()
    others = [handler for handler in root.handlers if not isinstance(handler, ours._ToQueue)]
    for handler in others:
        root.removeHandler(handler)
    yield
    for handler in others:
        root.addHandler(handler)


@pytest.fixture
def system(tmp_path: Path, redactor: Redactor) -> Iterator[LogSystem]:
    made = LogSystem(tmp_path / "logs", redactor)
    made.start("DEBUG")
    yield made
    made.stop()


def _lines(system: LogSystem) -> list[dict[str, object]]:
    """What was written; ends the log, so that all of it is."""
    system.stop()
    text = system.path.read_text() if system.path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def test_a_record_is_one_line_of_json_in_a_private_file(system: LogSystem) -> None:
    logging.getLogger("worker.agent").info("Answer %d of %s\nnext", 1, "two", extra={"run": "r1"})
    (line,) = _lines(system)
    assert line["level"] == "INFO"
    assert line["component"] == "worker.agent"
    assert line["message"] == "Answer 1 of two\nnext"
    assert line["run"] == "r1"
    assert line["process"] == os.getpid()
    assert str(line["at"]).endswith("Z")
    assert stat.S_IMODE(system.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(system.path.parent.stat().st_mode) == 0o700


class Leaky(Exception):
    def __str__(self) -> str:
        return f"failed with {SECRET}"


class Broken:
    def __str__(self) -> str:
        raise ValueError(SECRET)


def test_no_part_of_a_record_lets_a_secret_through(system: LogSystem) -> None:
    log = logging.getLogger("x")
    log.info("in the text %s", SECRET)
    log.info("in the arguments %s %r", SECRET, {"k": SECRET})
    log.info("in extras", extra={"deep": {"list": [SECRET]}, "api_key": "whatever", "o": Leaky()})
    try:
        raise Leaky
    except Leaky as error:
        log.exception("in an exception")
        log.warning("as an argument: %s", error, stack_info=True)
    with _ours_alone():
        log.info("with %d wrong arguments", SECRET)
        log.info(Broken())
        log.info("an object", extra={"o": Broken()})
    lines = _lines(system)
    assert len(lines) == 8
    assert SECRET not in system.path.read_text()
    assert "Leaky: failed with ***" in str(lines[3]["error"])
    assert lines[2]["api_key"] == "***"


def test_text_that_breaks_lines_or_encodings_stays_one_line(system: LogSystem) -> None:
    texts = ["lone \ud800", "nul \0", "separator \u2028 \x85", "\u202e rtl", "x" * 100_000]
    for text in texts:
        logging.getLogger("x").info("%s", text)
    assert [line["message"] for line in _lines(system)] == texts


def test_records_of_many_threads_are_all_written(system: LogSystem) -> None:
    def talk(name: int) -> None:
        for number in range(200):
            logging.getLogger("x").info("%d %d", name, number)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said = {str(line["message"]) for line in _lines(system)}
    assert said == {f"{n} {i}" for n in range(8) for i in range(200)}


def test_levels_of_components_are_set_changed_and_put_back(system: LogSystem) -> None:
    system.set_levels("WARNING", {"worker.agent": "DEBUG"})
    logging.getLogger("worker.agent").debug("one")
    logging.getLogger("worker.other").info("not this")
    system.set_levels("INFO")
    logging.getLogger("worker.agent").debug("nor this")
    logging.getLogger("worker.other").info("two")
    logging.getLogger("openai").info("nor a library's chatter")
    assert [line["message"] for line in _lines(system)] == ["one", "two"]
    assert logging.getLogger("worker.agent").level == logging.NOTSET
    assert logging.getLogger("openai").level == logging.NOTSET


def test_a_talkative_library_is_heard_when_it_is_named(system: LogSystem) -> None:
    system.set_levels("INFO", {"openai": "DEBUG"})
    logging.getLogger("openai").debug("heard")
    assert [line["message"] for line in _lines(system)] == ["heard"]


def test_what_tasks_were_given_is_in_no_record_of_celery(system: LogSystem) -> None:
    system.set_levels("DEBUG", {"celery.worker.strategy": "DEBUG"})
    given = {"name": "a.b", "id": "1", "args": "('PROMPT',)", "kwargs": "{'text': 'PROMPT'}"}
    strategy = logging.getLogger("celery.worker.strategy")
    strategy.info("Task %(name)s[%(id)s] received", given, extra={"data": given, "kept": "this"})
    strategy.debug("TaskPool: Apply %s (args:%s kwargs:%s)", "a.b", "('PROMPT',)", "{}")
    strategy.error("Couldn't convert ETA %r to timestamp: %r. Task: %r", "x", ValueError(1), given)
    consumer = logging.getLogger("celery.worker.consumer.consumer")
    consumer.error("Received unregistered task of type %s.\nThe body was:\n%s", "a.b", given)
    consumer.warning("Can't decode message body: %r [type:%r headers:%s]", "odd", "j", given)
    consumer.warning("Failed to cancel active request %r after", "<Request: a.b[1] 'PROMPT'>")
    logging.getLogger("worker").info("%s", "args: of others stay", extra={"data": "as it is"})
    lines = _lines(system)
    assert "PROMPT" not in json.dumps(lines)
    assert [line["message"] for line in lines] == [
        "Task a.b[1] received",
        "TaskPool: Apply a.b",
        "Couldn't convert ETA 'x' to timestamp: ValueError(1)",
        "Received unregistered task of type a.b.",
        "Can't decode message body: 'odd' [type:'j'",
        "Failed to cancel",
        "args: of others stay",
    ]
    assert (lines[0]["kept"], "data" in lines[0], lines[-1]["data"]) == ("this", False, "as it is")


def test_the_file_is_rotated_and_few_are_kept(
    tmp_path: Path, redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "FILE_SIZE", 5_000)
    with LogSystem(tmp_path, redactor) as system:
        for number in range(1000):
            logging.getLogger("x").info("number %d", number)
    files = sorted(path.name for path in tmp_path.glob("nagatha.log*"))
    assert files == ["nagatha.log", *(f"nagatha.log.{n}" for n in range(1, 5))]
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in files)
    assert all((tmp_path / name).stat().st_size <= 5_000 for name in files)
    assert "number 999" in system.path.read_text()


def test_a_file_that_another_process_rotated_is_followed(system: LogSystem) -> None:
    logging.getLogger("x").info("one")
    _wait_for(system.path, "one")
    system.path.rename(system.path.with_name("nagatha.log.1"))
    logging.getLogger("x").info("two")
    _wait_for(system.path, "two")
    system.path.unlink()
    logging.getLogger("x").info("three")
    assert [line["message"] for line in _lines(system)] == ["three"]


def _wait_for(path: Path, word: str) -> None:
    from tests.support.processes import wait_until

    wait_until(lambda: path.exists() and word in path.read_text(), f"{word} in the log")


def test_a_rotation_that_is_refused_goes_on_in_the_same_file(
    tmp_path: Path, redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "FILE_SIZE", 2_000)

    def held(source: str, target: str) -> None:
        raise PermissionError(errno.EACCES, "another process holds it")

    monkeypatch.setattr(os, "rename", held)
    with LogSystem(tmp_path, redactor) as system:
        for number in range(50):
            logging.getLogger("x").info("number %d", number)
    assert len(system.path.read_text().splitlines()) == 50


def test_a_full_disk_costs_lines_and_nothing_else(
    tmp_path: Path,
    redactor: Redactor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    full = True
    real = ours._File._open

    class Full(io.TextIOWrapper):
        def write(self, text: str) -> int:
            if full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    def opened(self: object) -> io.TextIOWrapper:
        inner = real(self)  # type: ignore[arg-type]
        return Full(inner.detach(), encoding="utf-8")

    monkeypatch.setattr(ours._File, "_open", opened)
    with LogSystem(tmp_path, redactor) as system:
        for number in range(20):
            logging.getLogger("x").info("lost %d", number)
        queue_of(system).join()
        full = False
        logging.getLogger("x").info("room again")
    assert "room again" in system.path.read_text()
    assert "lost" not in system.path.read_text()
    assert "Traceback" not in capsys.readouterr().err


def queue_of(system: LogSystem) -> "queue.Queue[logging.LogRecord]":
    assert system._handler is not None
    return system._handler._waiting


def test_a_folder_that_cannot_be_written_is_said_and_the_program_goes_on(
    tmp_path: Path, redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with LogSystem(tmp_path / "file" / "logs", redactor):
        logging.getLogger("x").info("into nothing")
    assert "No log is written" in capsys.readouterr().err


def test_a_queue_that_is_full_prefers_errors_and_never_waits(
    tmp_path: Path, redactor: Redactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "_QUEUE", 5)
    gate, reached = threading.Event(), threading.Event()
    real = ours._File.emit

    def slow(self: object, record: logging.LogRecord) -> None:
        reached.set()
        gate.wait(60)
        real(self, record)  # type: ignore[arg-type]

    monkeypatch.setattr(ours._File, "emit", slow)
    system = LogSystem(tmp_path, redactor)
    system.start()
    logging.getLogger("x").info("first")
    assert reached.wait(60)
    for number in range(50):
        logging.getLogger("x").info("%d", number)
    logging.getLogger("x").error("important")
    ending = threading.Thread(target=system.stop)
    ending.start()
    gate.set()
    ending.join()
    said = [line["message"] for line in _lines(system)]
    assert said == ["first", "1", "2", "3", "4", "important"]


def test_uncaught_exceptions_are_written_and_blacked_out(
    system: LogSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise Leaky

    def leave() -> None:
        raise SystemExit

    for target in (fail, leave):
        thread = threading.Thread(target=target, name="unlucky")
        thread.start()
        thread.join()
    try:
        raise Leaky
    except Leaky as error:
        sys.excepthook(Leaky, error, error.__traceback__)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    thread_line, main_line = _lines(system)
    assert thread_line["message"] == "The thread unlucky ended by an error"
    assert main_line["level"] == "CRITICAL"
    assert "Leaky: failed with ***" in str(main_line["error"])
    assert SECRET not in capsys.readouterr().err


def test_an_exception_that_cannot_be_shown_is_still_told(system: LogSystem) -> None:
    class Nasty(Exception):
        @property
        def __cause__(self) -> BaseException:  # type: ignore[override]
            raise RuntimeError

    with _ours_alone():
        logging.getLogger("x").error("bad", exc_info=(Nasty, Nasty(), None))
    (line,) = _lines(system)
    assert "cannot be shown" in str(line["error"])


def test_errors_on_the_runtime_loop_are_written(system: LogSystem) -> None:
    async def fail() -> None:
        raise Leaky

    with Runtime() as runtime, pytest.raises(Leaky):
        runtime.spawn(fail(), "doomed").result(10)
    line = next(line for line in _lines(system) if line["component"] == "worker.runtime")
    assert "'doomed' failed" in str(line["message"])
    assert "***" in str(line["error"])


def test_warnings_are_written(system: LogSystem) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("mind the gap", stacklevel=1)
    assert any("mind the gap" in str(line["message"]) for line in _lines(system))


def test_the_console_shows_the_same_without_secrets(
    tmp_path: Path, redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    with LogSystem(tmp_path, redactor, console=True):
        logging.getLogger("x").warning("look at %s", SECRET)
    assert "WARNING x: look at ***" in capsys.readouterr().err


def test_stopping_puts_everything_back(tmp_path: Path, redactor: Redactor) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.excepthook, threading.excepthook)
    system = LogSystem(tmp_path, redactor)
    for _ in range(2):
        system.start("DEBUG", {"a.b": "ERROR"})
        with pytest.raises(RuntimeError, match="started already"):
            system.start()
        system.stop()
        system.stop()
    assert (root.level, list(root.handlers), sys.excepthook, threading.excepthook) == before


def test_a_program_that_crashes_leaves_its_last_words(tmp_path: Path) -> None:
    code = (
        "import logging, sys; from pathlib import Path;"
        "from worker.logging import LogSystem, Redactor\n"
        "r = Redactor(); r.add('correct-horse-battery')\n"
        "LogSystem(Path(sys.argv[1]), r).start()\n"
        "logging.getLogger('x').info('before')\n"
        "raise ValueError('correct-horse-battery')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "ValueError: ***" in ended.stderr
    assert SECRET not in ended.stderr
    lines = [json.loads(line) for line in (tmp_path / "nagatha.log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["before", "The program ended by an error"]
    assert SECRET not in (tmp_path / "nagatha.log").read_text()


def test_importing_the_log_loads_nothing_else_of_the_project() -> None:
    code = "import sys, worker.logging; print([n for n in sys.modules if n.startswith('worker')])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['worker', 'worker.logging']"
