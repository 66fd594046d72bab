"""Who is asked by default, and which addresses are not taken."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import pytest

from tests.support.storages import NOW
from worker.config import Settings
from worker.contract.system import KeyPlace, KeyringStatus, ModelChoice, Provider
from worker.events.memory import MemoryBus
from worker.providers.builtin import BuiltinProvider
from worker.service.models import BUILTIN, Keys, ModelDesk, Models, ProviderBook
from worker.service.scope import Scope
from worker.storage.memory import MemoryStorage

SAVED = Provider("mine", "Mine", "http://127.0.0.1:1/v1", model="small", local=True)
NAMED = Provider("openai", "OpenAI", "http://127.0.0.1:2/v1", model="big", source="environment")


@dataclass
class NoKeys:
    """Nobody has a key, and nobody here needs one."""

    async def get(self, provider: str) -> str | None:
        return None

    async def place(self, provider: str) -> KeyPlace:
        return "none"

    async def set(
        self, provider: str, key: str, place: Literal["keyring", "session", "file"]
    ) -> None:
        raise AssertionError("nothing is kept here")

    async def forget(self, provider: str) -> None:
        pass

    async def status(self) -> KeyringStatus:
        return KeyringStatus("missing")

    async def allow_file(self, allowed: bool) -> KeyringStatus:
        return KeyringStatus("missing")


class Kept:
    """Settings that are changed as the real ones are."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.providers = providers
        self.models: dict[str, object] = {}

    async def save(self, provider: Provider) -> None:
        raise AssertionError("nothing is saved here")

    async def remove(self, provider: str) -> None:
        raise AssertionError("nothing is removed here")

    async def set_default(self, provider: str, model: str) -> None:
        self.models = {"default_provider": provider, "default_model": model}

    def desk(self) -> ModelDesk:
        book = ProviderBook(
            settings=lambda: Settings.of({"models": self.models}),
            providers=lambda: self.providers,
            save=self.save,
            remove=self.remove,
            set_default=self.set_default,
        )
        return ModelDesk(book, cast(Keys, NoKeys()), BuiltinProvider(), lambda: 0.0)


def _models(*providers: Provider) -> Models:
    scope = Scope("me", MemoryStorage(), MemoryBus(), lambda: NOW, "p1")
    return Models(scope, Kept(providers).desk())


def test_the_built_in_assistant_can_be_chosen_though_a_server_is_there() -> None:
    async def main() -> None:
        models = _models(SAVED)
        assert await models.default() == ModelChoice("mine", "small")
        chosen = await models.set_default(BUILTIN, "")
        assert chosen == await models.default() == ModelChoice(BUILTIN, "")
        assert isinstance((await models.desk.choose()).provider, BuiltinProvider)
        assert await models.set_default("mine", "other") == ModelChoice("mine", "other")
        assert await models.set_default("", "") == ModelChoice("mine", "small")

    asyncio.run(main())


def test_a_server_of_the_environment_comes_before_a_chosen_built_in_assistant() -> None:
    async def main() -> None:
        models = _models(NAMED, SAVED)
        assert await models.set_default(BUILTIN, "") == ModelChoice("openai", "big")
        # But a chat that has chosen it is answered by it.
        assert isinstance((await models.desk.choose(BUILTIN)).provider, BuiltinProvider)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("address", "proxy"),
    [
        ("http://user:hunter2@127.0.0.1:1/v1", ""),
        ("http://127.0.0.1:1/v1", "http://me:hunter2@p:1"),
    ],
)
def test_an_address_with_a_password_is_not_tried(address: str, proxy: str) -> None:
    async def main() -> None:
        found = await _models().test("", base_url=address, key="k", proxy=proxy)
        assert not found.ok and found.problem is not None
        assert "password cannot stand" in found.problem.message
        assert "hunter2" not in repr(found)

    asyncio.run(main())
