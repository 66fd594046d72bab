"""The module host against modules on the disk, good ones and every kind of broken one."""

import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from worker.contract.errors import InvalidInput, NotFound
from worker.contract.module_api import TaskContext
from worker.contract.system import ModuleInfo
from worker.module_host.context import call
from worker.module_host.host import ModuleHost

Make = Callable[..., Path]
HostOf = Callable[..., ModuleHost]
GOOD = '''
"""A module for tests."""

__version__ = "2.0"


def register_tasks(registry):
    registry.register_task("{name}", "say", say, tool=True)


def say(text: str) -> str:
    """Says it."""
    return text
'''


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a module into the person's folder; `config` "" for none."""

    def write(name: str, code: str = "", config: str = "", folder: str = "own") -> Path:
        place = tmp_path / folder / name
        place.mkdir(parents=True, exist_ok=True)
        source = textwrap.dedent(code) if code else GOOD.format(name=name)
        (place / "__init__.py").write_text(source, encoding="utf-8")
        if config:
            (place / "config.yaml").write_text(textwrap.dedent(config), encoding="utf-8")
        return place

    return write


@pytest.fixture
def host_of(tmp_path: Path) -> Iterator[Callable[..., ModuleHost]]:
    hosts: list[ModuleHost] = []

    def make_host(*enabled: str, limit: float = 10, disabled: tuple[str, ...] = ()) -> ModuleHost:
        host = ModuleHost(
            tmp_path / "own",
            shipped=tmp_path / "shipped",
            enabled=enabled,
            disabled=disabled,
            time_limit=limit,
        )
        hosts.append(host)
        return host

    before = set(sys.modules)
    yield make_host
    for name in [key for key in sys.modules if key.startswith("_nagatha_module_")]:
        if name not in before:
            del sys.modules[name]


def _broken(host: ModuleHost, name: str) -> str:
    """Why a module is broken."""
    info = host.module(name)
    assert info.state == "broken" and info.problem is not None, info
    assert info.problem.kind == "module_broken" and name in info.problem.title
    assert info.tasks == () and not any(spec.info.module == name for spec in host.tasks())
    return info.problem.message


def test_own_module_is_off_until_it_was_switched_on(make: Make, host_of: HostOf) -> None:
    marker = make("mine", GOOD.format(name="mine") + "\nprint('imported')\n")
    host = host_of()

    (info,) = host.start()

    assert (info.name, info.state, info.source, info.tasks) == ("mine", "off", "person", ())
    assert not any(name.endswith("_mine") for name in sys.modules)
    with pytest.raises(NotFound, match="switched off"):
        host.spec("mine.say")
    info = host.enable("mine")
    assert (info.state, info.version, info.description) == ("on", "2.0", "A module for tests.")
    assert info.tasks == ("mine.say",)
    assert host.enabled == ("mine",) and host.disabled == ()
    assert call(host.spec("mine.say"), {"text": "hi"}, _no_context()) == "hi"
    assert marker.exists()


def _no_context() -> TaskContext:
    return cast(TaskContext, None)


def test_own_module_stays_on_at_the_next_start(make: Make, host_of: HostOf) -> None:
    make("mine")
    (info,) = host_of("mine").start()
    assert info.state == "on"


def test_shipped_module_is_on_unless_its_config_or_the_settings_say_no(
    make: Make, host_of: HostOf
) -> None:
    make("one", folder="shipped")
    make("two", folder="shipped", config="enabled: false")
    make("three", folder="shipped")

    states = {info.name: info.state for info in host_of(disabled=("three",)).start()}

    assert states == {"one": "on", "two": "off", "three": "off"}
    assert host_of("two").start()[2].state == "on"


def test_names_with_an_underscore_and_stray_files_are_passed_over(
    make: Make, host_of: HostOf, tmp_path: Path
) -> None:
    make("_private")
    make(".hidden")
    (tmp_path / "own" / "readme.txt").write_text("no module")
    (tmp_path / "own" / "empty").mkdir()
    assert host_of().start() == ()


def test_missing_folders_hold_no_modules(tmp_path: Path) -> None:
    host = ModuleHost(tmp_path / "nowhere", shipped=tmp_path / "neither")
    assert host.start() == () and host.tasks() == () and host.task_infos() == ()


def test_folder_of_own_modules_that_cannot_be_read_leaves_the_shipped_ones(
    make: Make, host_of: HostOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("one", folder="shipped")
    make("mine")
    iterdir = Path.iterdir

    def refuse(folder: Path) -> Iterator[Path]:
        if folder.name == "own":
            raise PermissionError(13, "Permission denied", str(folder))
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert [info.name for info in host_of("mine").start()] == ["one"]


def test_config_wins_over_the_code(make: Make, host_of: HostOf) -> None:
    make(
        "mine",
        config="""
        name: mine
        version: 3.1
        description: Told by
          the config.
        options:
          say: {max_retries: 7, time_limit: 5, rate_limit: 10/m, schedule: 3600, tool: false,
                default_retry_delay: 1.5, description: Another}
        """,
    )
    host = host_of("mine")
    (info,) = host.start()
    task = host.spec("mine.say").info
    assert (info.version, info.description) == ("3.1", "Told by the config.")
    assert (task.max_retries, task.retry_delay, task.time_limit) == (7, 1.5, 5)
    assert (task.rate_limit, task.schedule, task.tool) == ("10/m", 3600, False)
    assert task.description == "Another"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("name: [", "line 1"),
        ("- a list", "keys and values"),
        ("options:\n  say: {schedule: null, tool: 3}", "true or false"),
        ("versoin: 1", "Did you mean “version”?"),
        ("zzz: 1", "It knows name, version"),
        ("name: other", "calls the module “other”"),
        ("version: [1]", "“version” must be text"),
        ("enabled: perhaps", "true or false"),
        ("options: 3", "must name tasks"),
        ("options: {say: 3}", "options of “say”"),
        ("options: {say: {retries: 3}}", "“retries”"),
        ("options: {sya: {max_retries: 3}}", "“sya”, which is no task"),
        ("options: {say: {max_retries: -1}}", "at least 0"),
        ("options: {say: {max_retries: 1.5}}", "whole number"),
        ("options: {say: {max_retries: many}}", "must be a number"),
        ("options: {say: {time_limit: 0}}", "above 0"),
        ("options: {say: {schedule: .inf}}", "at least 1"),
        ("options: {say: {rate_limit: often}}", "10/m"),
        ("options: {say: {tool: 1}}", "true or false"),
    ],
)
def test_wrong_config_breaks_the_module_and_says_where(
    config: str, told: str, make: Make, host_of: HostOf
) -> None:
    make("mine", config=config)
    make("other")
    host = host_of("mine", "other")
    host.start()
    assert told in _broken(host, "mine")
    assert host.module("other").state == "on"


def test_config_that_is_no_text_breaks_the_module(make: Make, host_of: HostOf) -> None:
    (make("mine") / "config.yaml").write_bytes(b"\xff\xfe\x00")
    host = host_of("mine")
    host.start()
    assert "cannot be read" in _broken(host, "mine")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nowhere_to_be_found\n", ["ModuleNotFoundError", "mine/__init__.py, line 1"]),
        ("\n\ndef register_tasks(registry:\n    pass\n", ["SyntaxError", "line 3"]),
        ("x = 1\ny = x / 0\n", ["ZeroDivisionError", "while it was imported", "line 2"]),
        ("x = 1\n", ["no function register_tasks"]),
        (
            "def register_tasks(registry):\n    raise KeyError('gone')\n",
            ["KeyError", "in register_tasks", "line 2"],
        ),
        ("import sys\nsys.exit(3)\n", ["SystemExit: 3"]),
        ("raise KeyboardInterrupt\n", ["KeyboardInterrupt"]),
        (
            "def f(): pass\ndef register_tasks(r):\n"
            "    r.register_task('mine', 'a', f)\n    r.register_task('mine', 'a', f)\n",
            ["mine.a is registered twice", "line 4"],
        ),
        (
            "def f(): pass\ndef register_tasks(r):\n    r.register_task('other', 'a', f)\n",
            ["cannot be named “other.a”", "line 3"],
        ),
        (
            "def f(): pass\ndef register_tasks(r):\n    r.register_task('mine', 'a.b', f)\n",
            ["“a.b” is no name"],
        ),
        (
            "def f(): pass\ndef register_tasks(r):\n    r.register_task('mine', 'a__b', f)\n",
            ["“a__b” is no name"],
        ),
        (
            "def f(): pass\ndef register_tasks(r):\n    r.register_task('mine', 'a'*60, f)\n",
            ["longer than 63"],
        ),
        ("def register_tasks(r):\n    r.register_task('mine', 'a', 3)\n", ["no function"]),
        (
            "def f(*x): pass\ndef register_tasks(r):\n    r.register_task('mine', 'a', f)\n",
            ["mine.a: parameter 'x'"],
        ),
        (
            "def f(): pass\ndef register_tasks(r):\n"
            "    r.register_task('mine', 'a', f, parameters={'type': 'array'})\n",
            ["JSON schema of an object"],
        ),
    ],
)
def test_module_that_fails_to_load_is_broken_with_its_line_and_the_others_go_on(
    code: str, told: list[str], make: Make, host_of: HostOf
) -> None:
    make("mine", code)
    make("other")
    host = host_of("mine", "other")

    host.start()

    why = _broken(host, "mine")
    assert all(part in why for part in told), why
    assert [spec.name for spec in host.tasks()] == ["other.say"]
    with pytest.raises(NotFound, match="does not work"):
        host.spec("mine.a")


HANG = """
import pathlib, time
def hang():
    while not pathlib.Path({path!r}).exists():
        time.sleep(0.005)
"""


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("hang()\n", "while it was imported, at mine/__init__.py, line 5"),
        ("def register_tasks(r):\n    hang()\n", "in register_tasks, at mine/__init__.py"),
    ],
)
def test_module_that_hangs_is_broken_after_its_time_and_the_program_goes_on(
    where: str, told: str, make: Make, host_of: HostOf, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    make("mine", HANG.format(path=str(release)) + where)
    make("other")
    host = host_of("mine", "other", limit=1.0)
    try:
        host.start()
        why = _broken(host, "mine")
        assert "1 s" in why and told in why
        assert host.module("other").state == "on"
    finally:
        _end_hanging(release)
    assert host.module("mine").state == "broken"


def _end_hanging(release: Path) -> None:
    release.touch()
    for thread in threading.enumerate():
        if thread.name == "module mine":
            thread.join(60)
            assert not thread.is_alive()


def test_module_that_hung_registers_nothing_when_it_comes_back(
    make: Make, host_of: HostOf, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    code = HANG.format(path=str(release))
    code += "def register_tasks(r):\n    hang()\n    r.register_task('mine', 'late', hang)\n"
    make("mine", code)
    host = host_of("mine", limit=0.1)
    host.start()
    _end_hanging(release)
    assert host.tasks() == () and host.module("mine").state == "broken"


def test_broken_module_that_was_mended_is_read_anew_when_switched_on(
    make: Make, host_of: HostOf
) -> None:
    make("mine", "x = 1 / 0\n")
    host = host_of("mine")
    host.start()
    _broken(host, "mine")
    make("mine")
    assert host.enable("mine").state == "on"
    assert host.module("mine").problem is None


def test_module_with_a_wrong_config_that_was_mended_is_read_anew(
    make: Make, host_of: HostOf
) -> None:
    make("mine", config="versoin: 1")
    host = host_of("mine")
    host.start()
    _broken(host, "mine")
    make("mine", config="version: 1")
    info = host.enable("mine")
    assert (info.state, info.version, info.problem) == ("on", "1", None)


def test_switching_off_takes_the_tasks_away_and_on_again_reads_the_source_anew(
    make: Make, host_of: HostOf
) -> None:
    make("mine")
    host = host_of("mine")
    host.start()
    spec = host.spec("mine.say")

    info = host.disable("mine")

    assert (info.state, info.tasks, host.tasks()) == ("off", (), ())
    assert host.disabled == ("mine",) and host.enabled == ()
    assert call(spec, {"text": "still"}, _no_context()) == "still"
    make("mine", GOOD.format(name="mine").replace('"say"', '"shout"'))
    assert host.enable("mine").tasks == ("mine.shout",)


def test_switching_on_what_is_on_changes_nothing(make: Make, host_of: HostOf) -> None:
    make("mine")
    host = host_of("mine")
    host.start()
    spec = host.spec("mine.say")
    host.enable("mine")
    assert host.spec("mine.say") is spec


def test_module_may_import_its_own_files_without_meeting_those_of_others(
    make: Make, host_of: HostOf
) -> None:
    for name in ("one", "two"):
        place = make(
            name,
            f"""
            from .helper import NAME

            def register_tasks(registry):
                registry.register_task({name!r}, "name", told)

            def told() -> str:
                return NAME
            """,
        )
        (place / "helper.py").write_text(f"NAME = {name!r}\n")
    host = host_of("one", "two")
    host.start()
    assert call(host.spec("one.name"), {}, _no_context()) == "one"
    assert call(host.spec("two.name"), {}, _no_context()) == "two"
    assert "helper" not in sys.modules and "one" not in sys.modules
    host.disable("one")
    # coverage keeps an entry of its own in there, `$coverage.….the_one`.
    left = [name for name in sys.modules if name.endswith(("_one", "_one.helper"))]
    assert not [name for name in left if not name.startswith("$")]


def test_own_module_with_the_name_of_a_shipped_one_is_left_out_and_named(
    make: Make, host_of: HostOf
) -> None:
    make("mine", folder="shipped")
    other = make("mine", "x = 1 / 0\n")
    (info,) = host_of("mine").start()
    assert (info.state, info.source) == ("on", "shipped")
    assert info.problem is not None and str(other) in info.problem.message


@pytest.mark.parametrize("name", ["with-dash", "two__bars", "9lives", "celery"])
def test_folder_with_an_unfit_name_is_broken(name: str, make: Make, host_of: HostOf) -> None:
    make(name)
    host = host_of(name)
    host.start()
    assert "folder's name" in _broken(host, name)


def test_modules_that_come_later_are_found_and_those_that_go_are_gone(
    make: Make, host_of: HostOf
) -> None:
    host = host_of("one", "two")
    place = make("one")
    host.start()
    make("two")
    assert [info.name for info in host.discover()] == ["one", "two"]
    assert host.enable("two").state == "on"
    (place / "__init__.py").unlink()
    assert [info.name for info in host.discover()] == ["two"]
    assert [spec.name for spec in host.tasks()] == ["two.say"]


def _beat(make: Make, body: str) -> None:
    make("mine", GOOD.format(name="mine") + f"\ndef heartbeat():\n    {body}\n")


def test_heartbeat_is_kept(make: Make, host_of: HostOf) -> None:
    _beat(make, "return {'status': 'ok', 'of': (1, 2)}")
    make("other")
    host = host_of("mine", "other")
    host.start()
    assert host.module("mine").heartbeat is None
    infos = {info.name: info for info in host.heartbeats()}
    assert infos["mine"].heartbeat == {"status": "ok", "of": [1, 2]}
    assert infos["other"].heartbeat is None and infos["other"].state == "on"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise OSError('no disk')", "OSError: no disk (mine/__init__.py, line"),
        ("return 'well'", "must return a dict"),
        ("return {'x': object()}", "not JSON"),
        ("return {'x': float('nan')}", "not JSON"),
    ],
)
def test_module_whose_heartbeat_fails_is_broken(
    body: str, told: str, make: Make, host_of: HostOf
) -> None:
    _beat(make, body)
    host = host_of("mine")
    host.start()
    host.heartbeat("mine")
    assert told in _broken(host, "mine")
    assert host.heartbeat("mine").state == "broken"


def test_module_whose_heartbeat_hangs_is_broken(
    make: Make, host_of: HostOf, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    code = GOOD.format(name="mine") + HANG.format(path=str(release))
    make("mine", code + "def heartbeat():\n    hang()\n")
    host = host_of("mine", limit=1.0)
    host.start()
    try:
        host.heartbeat("mine")
        assert "in its heartbeat" in _broken(host, "mine")
    finally:
        _end_hanging(release)


def test_unknown_names_are_told_with_the_nearest(make: Make, host_of: HostOf) -> None:
    make("mine")
    host = host_of("mine")
    host.start()
    with pytest.raises(NotFound, match=r"Did you mean mine\.say"):
        host.spec("mine.sya")
    with pytest.raises(NotFound, match="See the list of tasks"):
        host.spec("zzz")
    with pytest.raises(NotFound, match="Did you mean mine"):
        host.enable("mien")
    for ask in (host.disable, host.load, host.heartbeat, host.module):
        with pytest.raises(NotFound):
            ask("zzz")


def test_failure_of_a_task_is_told_with_its_line(make: Make, host_of: HostOf) -> None:
    code = "def register_tasks(r):\n    r.register_task('mine', 'fail', fail)\n"
    make("mine", code + "def fail():\n    return {}['key']\n")
    host = host_of("mine")
    host.start()
    with pytest.raises(KeyError) as caught:
        call(host.spec("mine.fail"), {}, _no_context())
    problem = host.problem_of(caught.value, "mine.fail")
    assert problem.kind == "task_failed" and problem.title == "mine.fail failed"
    assert "KeyError: 'key' (mine/__init__.py, line 4)" in problem.message
    error = InvalidInput("No", "Why", "What")
    assert host.problem_of(error, "mine.fail") == error.problem
    assert host.problem_of(ValueError("x"), "gone.task").message == "ValueError: x"


def test_hosts_may_be_asked_from_many_threads(make: Make, host_of: HostOf) -> None:
    for name in ("one", "two", "three"):
        make(name)
    host = host_of("one", "two", "three")
    host.start()
    failures: list[BaseException] = []

    def switch(name: str) -> None:
        try:
            for _ in range(20):
                host.disable(name)
                host.tasks()
                host.discover()
                assert host.enable(name).state == "on"
                host.heartbeats()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=switch, args=(name,)) for name in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    found: list[ModuleInfo] = list(host.modules())
    assert [info.state for info in found] == ["on", "on", "on"]
