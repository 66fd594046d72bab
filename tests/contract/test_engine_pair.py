"""Two engines on one data folder, each in a process of its own: what one does, the other sees."""

import asyncio
from pathlib import Path

import pytest

from tests.support.engines import becomes, engine_in, module, until
from tests.support.model_server import ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.worlds import World
from worker.contract.events import (
    ChatChanged,
    DataReplaced,
    MessageChanged,
    ModuleChanged,
    RunChanged,
    SettingsChanged,
)


def test_changes_in_one_process_are_seen_in_the_other_without_its_asking(tmp_path: Path) -> None:
    with ModelServer() as models, other_on(tmp_path, models) as other:

        async def test(there: World) -> None:
            start = await there.engine.storage.last_event()
            for call, wanted in (
                ("client.chats.create('Over there')", ChatChanged),
                ("client.chats.send(None, 'Ask')", MessageChanged),
                ("client.system.set_setting('models.temperature', 0.125)", SettingsChanged),
                ("client.modules.disable('echo_bot')", ModuleChanged),
                ("client.jobs.run_task('ai.rewrite', {'text': 'x', 'style': 'short'})", RunChanged),
                ("client.data.delete_all()", DataReplaced),
            ):
                if wanted is DataReplaced:
                    await becomes(lambda: idle(there), "all runs end")
                events = there.client.events()
                await other.do(call)
                async for event in events:
                    if isinstance(event, wanted):
                        break
            assert start < await there.engine.storage.last_event()

        with engine_in(tmp_path) as there:
            there.run(test)


async def idle(there: World) -> bool:
    """Nothing is running or waiting."""
    status = await there.client.system.status()
    return status.running == 0 and status.waiting == 0


def test_settings_and_modules_changed_in_one_process_are_followed_in_the_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "modules" / "mine").mkdir(parents=True)
    source = "def register_tasks(registry):\n    registry.register_task('mine', 'one', one)\n\n"
    source += "def one() -> int:\n    return 1\n"
    (tmp_path / "modules" / "mine" / "__init__.py").write_text('__version__ = "1"\n' + source)
    with other_on(tmp_path) as other:

        async def test(there: World) -> None:
            await there.engine.modules_ready()
            await other.do("client.system.set_setting('models.temperature', 0.125)")

            async def followed() -> bool:
                return there.engine.settings.models.temperature == 0.125

            await becomes(followed, "the setting is read again")
            # A module is switched on here, and the worker there knows its task.
            await there.client.modules.enable("mine")

            async def known() -> bool:
                tasks = await other.do("client.modules.list_tasks()")
                return "mine.one" in str(tasks)

            await becomes(known, "the module is on there, too")
            run = await there.client.jobs.run_task("mine.one", {})
            assert (await there.ended(run.id)).result == 1
            # And off by a bare change of the settings.
            await other.do("client.system.set_setting('modules.enabled', '')")

            async def off() -> bool:
                found = await there.client.modules.list_modules()
                return {info.name: info.state for info in found}["mine"] == "off"

            await becomes(off, "the module is off here, too")

        with engine_in(tmp_path, background=True) as there:
            there.run(test)


def test_only_one_process_has_beat_and_another_takes_over_when_it_is_killed(
    tmp_path: Path,
) -> None:
    with other_on(tmp_path) as other:
        assert other.beat == "ok"

        async def test(there: World) -> None:
            status = await there.client.system.status()
            assert (status.worker, status.beat) == ("ok", "off")
            (check,) = await there.client.system.doctor(("beat",))
            assert check.state == "ok" and "another process" in check.message
            await there.engine._tend()
            assert there.engine.background.state.beat == "off"
            kill(other.process)  # type: ignore[arg-type]
            await there.engine._tend()

            async def taken() -> bool:
                return there.engine.background.state.beat == "ok"

            await becomes(taken, "Beat runs here")

        with engine_in(tmp_path, background=True) as there:
            there.run(test)


def test_what_a_killed_process_was_doing_is_taken_over(tmp_path: Path) -> None:
    go = tmp_path / "go"
    home = tmp_path / "nagatha"
    module(
        home,
        "slow",
        f"""
        import time
        from pathlib import Path


        def register_tasks(registry):
            registry.register_task("slow", "task", task)


        def task() -> str:
            while not Path({str(go)!r}).exists():
                time.sleep(0.01)
            return "done"
        """,
    )
    with ModelServer() as models, other_on(home, models) as other:

        async def test(there: World) -> None:
            run = await other.do("client.jobs.run_task('slow.task', {})")
            runs = await there.client.jobs.list_runs()
            (run,) = [one for one in runs if one.kind == "task"]
            await other.do("client.chats.send(None, 'Ask', provider='openai', model='pause')")

            async def begun() -> bool:
                states = {one.kind: one.state for one in await there.client.jobs.list_runs()}
                return states == {"task": "STARTED", "answer": "STARTED"}

            await becomes(begun, "both are at work")
            await asyncio.to_thread(models.wait_for, 1)
            kill(other.process)  # type: ignore[arg-type]
            models.release()
            go.touch()
            from worker.background import CeleryBackground

            engine = there.engine
            await engine.plug(CeleryBackground(engine, engine.paths.queue, work=True))
            ended = await there.ended(run.id)
            assert (ended.state, ended.result, ended.attempts) == ("SUCCESS", "done", 2)
            (chat,) = await there.client.chats.list_chats()
            _, answer = await there.client.chats.tree(chat.id)
            assert answer.state == "interrupted" and not chat.running
            await until(
                there,
                lambda e: isinstance(e, MessageChanged) and e.message.state == "interrupted",
            )

        with engine_in(home) as there:
            there.run(test)


def test_restore_is_refused_while_another_process_is_there(tmp_path: Path) -> None:
    with other_on(tmp_path):

        async def test(there: World) -> None:
            from worker.contract.errors import Conflict

            backup = await there.client.data.back_up()
            with pytest.raises(Conflict):
                await there.client.data.restore(backup.name)

        with engine_in(tmp_path) as there:
            there.run(test)
