"""Who is asked, with which model, through which connection: on a real engine and model server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines import engine_in
from tests.support.model_server import ModelServer
from tests.support.worlds import World
from worker.contract.errors import InvalidInput, ModelError, NotFound
from worker.service.models import BUILTIN, warm_up


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(models=({"id": "a-model"}, {"id": "fast"})) as server:
        yield server


def test_provider_without_a_model_is_asked_with_the_first_of_its_list(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        saved = await there.client.models.save("", "Mine", models.url)
        chosen = await there.engine.desk.choose(saved.id)
        assert (chosen.provider.id, chosen.model) == (saved.id, "a-model")
        assert chosen.info is not None and chosen.info.id == "a-model"
        # The same connection as long as nothing changes, another one when the address does.
        assert (await there.engine.desk.choose(saved.id, "fast")).provider is chosen.provider
        await there.client.models.save(
            saved.id, "Mine", models.url.replace("127.0.0.1", "localhost")
        )
        other = await there.engine.desk.choose(saved.id, "fast")
        assert other.provider is not chosen.provider

    with engine_in(tmp_path) as there:
        there.run(test)


def test_server_that_lists_no_model_says_so(tmp_path: Path) -> None:
    async def test(there: World, address: str) -> None:
        await there.client.models.save("mine", "Mine", address)
        with pytest.raises(ModelError) as caught:
            await there.engine.desk.choose("mine")
        assert (caught.value.kind, caught.value.problem.action) == ("no_model", "models")

    empty = {"/v1/models": {"object": "list", "data": []}}
    with ModelServer(pages=empty) as server, engine_in(tmp_path) as there:
        there.run(lambda this: test(this, server.url))


def test_known_server_without_a_key_is_not_asked_at_all(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        service = there.client.models
        saved = await service.save("", "OpenAI", "https://api.openai.com/v1")
        with pytest.raises(ModelError) as caught:
            await there.engine.desk.choose(saved.id)
        assert caught.value.kind == "no_key"
        tried = await service.test(saved.id)
        assert not tried.ok and tried.problem is not None and tried.problem.kind == "no_key"
        assert (await service.default()).provider == BUILTIN
        answer = await there.answered(await there.client.chats.send(None, "Hi", provider=saved.id))
        assert answer.error is not None and answer.error.kind == "no_key"

    with engine_in(tmp_path) as there:
        there.run(test)


def test_key_that_cannot_be_read_is_said_and_not_taken_for_none(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        saved = await there.client.models.save("", "Mine", models.url)

        class Locked:
            async def get(self, provider: str) -> str | None:
                return None

            async def place(self, provider: str) -> str:
                return "unreadable"

        there.engine.desk.keys = Locked()  # type: ignore[assignment]
        with pytest.raises(ModelError) as caught:
            await there.engine.desk.choose(saved.id, "fast")
        assert caught.value.kind == "no_key" and "cannot be read" in caught.value.problem.title

    with engine_in(tmp_path) as there:
        there.run(test)


def test_default_is_what_was_chosen_then_whoever_can_answer_then_the_built_in_one(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        service = there.client.models
        assert (await service.default()).provider == BUILTIN
        one = await service.save("", "One", models.url, model="fast")
        two = await service.save("", "Two", models.url, model="echo")
        assert (await service.default()).provider == one.id
        assert await service.set_default(two.id, "") == await service.default()
        assert (await service.default()).model == "echo"
        with pytest.raises(NotFound):
            await service.set_default("nobody", "")
        assert {one.id, two.id} == {p.id for p in await service.providers()} - {BUILTIN}
        assert one.id != two.id and (await service.save("", "One", "http://h/v1")).id == "one-2"

    with engine_in(tmp_path) as there:
        there.run(test)


def test_built_in_assistant_is_listed_works_and_cannot_be_changed(tmp_path: Path) -> None:
    async def test(there: World) -> None:
        service = there.client.models
        assert (await service.test(BUILTIN)).ok
        (model,) = await service.list_models(BUILTIN)
        assert model.provider == BUILTIN
        with pytest.raises(InvalidInput):
            await service.save(BUILTIN, "x", "http://127.0.0.1/v1")
        (check,) = await there.client.system.doctor(("provider",))
        assert check.state == "warning"

    with engine_in(tmp_path) as there:
        there.run(test)


def test_provider_of_the_environment_cannot_be_changed_and_is_what_the_doctor_asks(
    tmp_path: Path, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with pytest.raises(InvalidInput):
            await there.client.models.save("openai", "Other", "http://127.0.0.1/v1")
        (check,) = await there.client.system.doctor(("provider",))
        assert check.state == "ok" and "2 models" in check.message
        await warm_up()

    with engine_in(tmp_path, models=models) as there:
        there.run(test)


def test_test_of_nobody_is_an_error_and_discovery_leaves_out_what_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        with pytest.raises(NotFound):
            await there.client.models.test("nobody")
        saved = await there.client.models.save("", "Mine", models.url)

        async def found() -> tuple[object, ...]:
            return (saved,)

        monkeypatch.setattr("worker.service.models.discover", found)
        assert await there.client.models.discover() == ()

    with engine_in(tmp_path) as there:
        there.run(test)
