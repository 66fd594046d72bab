"""Messages that come through the broker wait for their turn, and none is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.worlds import World, world
from worker.contract.errors import InvalidInput


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world("local", tmp_path / "nagatha") as made:
        yield made


def test_three_messages_to_one_session_are_answered_one_after_the_other(there: World) -> None:
    async def test(here: World) -> None:
        answers = await asyncio.gather(
            *(here.engine.answer_message("my-session", f"Say {n}", "", f"t{n}") for n in range(3))
        )
        assert [answer["success"] for answer in answers] == [True, True, True]
        assert {answer["session_id"] for answer in answers} == {"my-session"}
        assert len(await here.client.chats.tree("my-session")) == 6

    there.run(test)


def test_a_message_that_comes_twice_is_sent_once(there: World) -> None:
    async def test(here: World) -> None:
        first, second = await asyncio.gather(
            here.engine.answer_message("", "Hello", "", "task-1"),
            _later(here, "task-1"),
        )
        assert first == second
        assert len(await here.client.chats.tree(str(first["session_id"]))) == 2

    there.run(test)


async def _later(here: World, task: str) -> dict[str, object]:
    events = here.client.events()
    async for event in events:
        if event.kind == "run.changed":
            break
    return await here.engine.answer_message("", "Hello", "", task)


@pytest.mark.parametrize("session", ["a/b", "x" * 200, "new\nline"])
def test_a_session_that_cannot_be_an_id_is_refused(there: World, session: str) -> None:
    async def test(here: World) -> None:
        with pytest.raises(InvalidInput):
            await here.engine.answer_message(session, "Hello", "", "task-2")

    there.run(test)


def test_a_restore_leaves_queued_work_and_the_worker_alive(tmp_path: Path) -> None:
    async def test(here: World) -> None:
        await here.answered(await here.client.chats.send(None, "Before"))
        made = await here.client.data.back_up()
        await here.answered(await here.client.chats.send(None, "After"))
        await here.client.data.restore(made.name)
        (chat,) = await here.client.chats.list_chats()
        assert chat.title == "Before"
        run = await here.client.jobs.run_task("echo_bot.echo", {"text": "still here"})
        assert (await here.ended(run.id)).result == "still here"

    with world("local", tmp_path / "nagatha", background=True) as made:
        made.run(test)


FAINT = '''"""A module whose heart stops."""

from pathlib import Path

__version__ = "1"


def register_tasks(registry):
    registry.register_task("faint", "wave", lambda: "hello")


def heartbeat():
    if (Path(__file__).parent / "stop").exists():
        raise RuntimeError("no pulse")
    return {"pulse": 60}
'''


def test_a_module_whose_heart_stops_is_broken_and_that_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "nagatha" / "modules" / "faint"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(FAINT)
    (folder / "config.yaml").write_text("description: faints\n")

    async def test(here: World) -> None:
        modules = here.client.modules
        assert (await modules.enable("faint")).state == "on"
        await here.engine.keeper.ask_all()
        beats = {info.name: info.heartbeat for info in await modules.list_modules()}
        assert beats["faint"] == {"pulse": 60}
        (folder / "stop").touch()
        events = here.client.events()
        await here.engine.keeper.ask_all()
        async for event in events:
            if event.kind == "module.changed" and event.module.name == "faint":
                assert event.module.state == "broken"
                assert event.module.problem is not None
                assert "no pulse" in event.module.problem.message
                break
        assert "faint.wave" not in {task.name for task in await modules.list_tasks()}

    with world("local", tmp_path / "nagatha") as made:
        made.run(test)
