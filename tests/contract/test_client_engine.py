"""What every client does, whether the engine is in this process or behind HTTP: all but the
conversations, which are in test_client.py.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from tests.support.worlds import KEY, Kind, World, close, world
from worker.contract.errors import InvalidInput, NotFound, StorageError
from worker.contract.events import DataReplaced, ModuleChanged, SettingsChanged
from worker.contract.services import Client
from worker.contract.types import Run, RunState

TestOn = Callable[[Client, World], Awaitable[None]]


def on_loop(test: TestOn) -> Callable[[World], None]:
    """A test that runs on the engine's loop, with the client that the fixture made."""

    def run(there: World) -> None:
        there.run(lambda this: test(this.client, this))

    run.__name__ = run.__qualname__ = test.__name__
    return run


@pytest.fixture(params=["local", "remote"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An engine, and one of the two clients of it."""
    with world(cast(Kind, request.param), tmp_path / "nagatha") as made:
        yield made


@pytest.fixture(params=["local", "remote"])
def at_work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The same with the worker running."""
    with world(cast(Kind, request.param), tmp_path / "nagatha", background=True) as made:
        yield made


def test_task_is_queued_run_and_its_result_stored(at_work: World) -> None:
    async def test(here: World) -> None:
        jobs = here.client.jobs
        run = await jobs.run_task("echo_bot.echo", {"text": "hi \ud800"}, source="cli")
        assert (run.kind, run.name, run.source) == ("task", "echo_bot.echo", "cli")
        ended = await here.ended(run.id)
        assert (ended.state, ended.result, ended.error) == ("SUCCESS", "hi \ud800", None)
        assert ended.arguments == {"text": "hi \ud800"} and ended.attempts == 1
        assert ended.started is not None and ended.ended is not None
        assert run.id in [one.id for one in await jobs.list_runs()]
        assert await jobs.list_runs(states=("FAILURE",)) == ()
        assert await jobs.list_runs(before=run.queued) == ()
        again = await jobs.retry(run.id)
        assert again.id != run.id and (await here.ended(again.id)).state == "SUCCESS"
        ping = await here.ended((await jobs.run_task("echo_bot.ping", {})).id)
        assert isinstance(ping.result, dict) and ping.result["reply"] == "pong"
        asked = await jobs.run_task("ai.summarise", {"text": "A text", "sentences": "2"})
        assert str((await here.ended(asked.id)).result).startswith("Hello from the model")

    at_work.run(test)


@on_loop
async def test_wrong_tasks_are_refused_before_they_are_queued(client: Client, here: World) -> None:
    with pytest.raises(NotFound, match=r"echo_bot\.echo"):
        await client.jobs.run_task("echo_bot.ecko", {"text": "x"})
    for arguments, told in (({}, "“text”"), ({"txt": "x"}, "“t"), ({"text": 3}, "“text”")):
        with pytest.raises(InvalidInput) as caught:
            await client.jobs.run_task("echo_bot.echo", arguments)
        assert told in caught.value.problem.message
    assert await client.jobs.list_runs() == ()


@on_loop
async def test_providers_and_keys_are_kept_and_forgotten(client: Client, here: World) -> None:
    models = client.models
    listed = {provider.id: provider for provider in await models.providers()}
    assert listed["openai"].source == "environment" and listed["openai"].key == "environment"
    assert list(listed)[-1] == "builtin"
    saved = await models.save("", "My server", here.models.url, model="fast")
    assert saved.local and saved.key == "not_needed" and saved.source == "settings"
    with pytest.raises(InvalidInput):
        await models.set_key(saved.id, "")
    kept = await models.set_key(saved.id, KEY, place="session")
    assert kept.key == "session" and KEY not in repr(kept)
    listing = await models.list_models(saved.id, refresh=True)
    assert {"fast", "echo"} <= {model.id for model in listing}
    assert (await models.test(saved.id)).ok
    wrong = await models.test("", base_url="http://127.0.0.1:1/v1", key="sk-wrong-0000")
    assert not wrong.ok and wrong.problem is not None and wrong.problem.title
    chosen = await models.set_default(saved.id, "echo")
    # A model that the environment names comes before what is chosen here.
    assert (chosen.provider, chosen.model) == ("openai", "fast")
    assert await models.default() == chosen
    assert (await models.forget_key(saved.id)).key in ("none", "not_needed")
    await models.remove(saved.id)
    assert saved.id not in {provider.id for provider in await models.providers()}
    with pytest.raises(NotFound):
        await models.remove("nothing-like-it")
    assert (await models.keyring()).state in ("unknown", "ready", "locked", "missing")


@on_loop
async def test_modules_and_tools_are_listed_and_switched(client: Client, here: World) -> None:
    modules = {info.name: info for info in await client.modules.list_modules()}
    assert modules["echo_bot"].state == "on" and modules["ai"].state == "on"
    tasks = {info.name: info for info in await client.modules.list_tasks()}
    assert tasks["echo_bot.echo"].parameters["required"] == ["text"]
    tools = {info.name for info in await client.tools.list_tools()}
    assert "echo_bot.echo" in tools
    events = client.events()
    off = await client.modules.disable("echo_bot")
    assert (off.state, off.tasks) == ("off", ())
    assert "echo_bot.echo" not in {info.name for info in await client.modules.list_tasks()}
    assert "echo_bot.echo" not in {info.name for info in await client.tools.list_tools()}
    async for event in events:
        if isinstance(event, ModuleChanged):
            assert event.module == off
            break
    await close(events)
    assert (await client.modules.enable("echo_bot")).state == "on"
    with pytest.raises(NotFound):
        await client.modules.enable("nothing_like_it")


@on_loop
async def test_usage_is_summed_up_from_what_was_asked(client: Client, here: World) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    answer = await here.answered(await client.chats.send(None, "Ask"))
    assert answer.usage is not None
    until = datetime.now(UTC) + timedelta(seconds=1)
    found = await client.usage.summary(since, until)
    assert found.requests >= 1 and found.output >= answer.usage.output
    assert (found.since, found.until) == (since, until)
    assert (await client.usage.summary(since - timedelta(days=1), since)).requests == 0
    with pytest.raises(InvalidInput):
        await client.usage.summary(since.replace(tzinfo=None), until)


@on_loop
async def test_data_is_backed_up_restored_moved_and_deleted(client: Client, here: World) -> None:
    chat = await client.chats.create("Kept")
    backup = await client.data.back_up()
    assert backup.reason == "person" and backup.size > 0
    assert backup in await client.data.backups()
    places = await client.data.places()
    assert Path(places.home) == here.folder and places.chats == 1
    moved = await client.data.export(str(here.folder))
    assert (moved.chats, moved.skipped) == (1, 0) and Path(moved.path).exists()
    await client.chats.rename(chat.id, "Changed")
    events = client.events()
    await client.data.restore(backup.name)
    async for event in events:
        if isinstance(event, DataReplaced):
            break
    await close(events)
    assert (await client.chats.get(chat.id)).title == "Kept"
    await client.data.delete_all()
    assert await client.chats.list_chats() == () and await client.data.backups() == ()
    back = await client.data.import_all(moved.path)
    assert (back.chats, back.skipped) == (1, 0)
    assert (await client.data.import_all(moved.path)).skipped == 1
    assert (await client.chats.get(chat.id)).title == "Kept"
    with pytest.raises(InvalidInput):
        await client.data.export("relative")
    with pytest.raises(StorageError):
        await client.data.export(str(Path(places.database) / "x"))


@on_loop
async def test_engine_counts_its_runs_and_the_failures_of_the_last_day(
    client: Client, here: World
) -> None:
    now = here.engine.now()
    states: list[RunState] = ["STARTED", "PROGRESS", "PENDING", "RETRY", "RETRY", "SUCCESS"]
    for number, state in enumerate((*states, "FAILURE", "FAILURE")):
        run = Run(
            f"r{number}", "task", "echo_bot.echo", state, "api", now - timedelta(hours=number)
        )
        await here.engine.storage.add_run("local", run)
    old = Run("old", "task", "echo_bot.echo", "FAILURE", "api", now - timedelta(hours=25))
    await here.engine.storage.add_run("local", old)
    status = await client.system.status()
    assert (status.running, status.waiting, status.failed) == (2, 3, 2)


@on_loop
async def test_what_no_engine_can_take_is_refused_in_words(client: Client, here: World) -> None:
    with pytest.raises(NotFound):
        await client.data.restore("x" * 5000)
    sent = await client.chats.send(None, "hello")
    await here.answered(sent)
    assert len(await client.chats.list_chats(limit=10**30)) == 1
    assert len(await client.chats.search("hello", limit=10**30)) > 0
    assert len((await client.chats.page(sent.chat.id, limit=10**30)).messages) == 2
    shown = await client.chats.page_from(sent.chat.id, sent.answer.id, limit=10**30)
    assert len(shown.messages) == 2
    assert len(await client.jobs.list_runs(limit=10**30)) == 1
    with pytest.raises(InvalidInput):
        await client.chats.attach("a.txt", cast(bytes, "no bytes"))


@on_loop
async def test_engine_tells_how_it_is_and_takes_settings(client: Client, here: World) -> None:
    status = await client.system.status()
    assert Path(status.data_folder) == here.folder and status.version
    checks = await client.system.doctor(("storage",))
    assert [check.name for check in checks] == ["storage"] and checks[0].state == "ok"
    settings = {setting.key: setting for setting in await client.system.settings()}
    assert settings["models.temperature"].kind == "float"
    events = client.events()
    changed = await client.system.set_setting("models.temperature", 0.25)
    assert (changed.value, changed.source) == (0.25, "file")
    async for event in events:
        if isinstance(event, SettingsChanged):
            assert "models.temperature" in event.keys
            break
    await close(events)
    back = await client.system.set_setting("models.temperature", None)
    assert (back.value, back.source) == (back.default, "default")
    for key, value in (("models.temperature", "hot"), ("models.temperature", 99)):
        with pytest.raises(InvalidInput):
            await client.system.set_setting(key, value)
    with pytest.raises(NotFound):
        await client.system.set_setting("models.temprature", 0.3)


@on_loop
async def test_client_that_is_closed_leaves_the_engine_alive(client: Client, here: World) -> None:
    await client.aclose()
    assert (await here.engine.services("local").system.status()).version
