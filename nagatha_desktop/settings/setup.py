"""Setting up a provider in one go: address, key, model, default.

Owns the order of the steps and that a failure leaves nothing half done. It runs on the runtime
loop and knows no widget.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from worker.contract.errors import NagathaError
from worker.contract.services import Client
from worker.contract.system import ModelInfo, Provider, ProviderTest

Place: TypeAlias = Literal["keyring", "session", "file"]
"""Where a new key is kept."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A provider as it stands in a form."""

    id: str
    """"" for a new one."""
    name: str
    base_url: str
    model: str = ""
    proxy: str = ""
    key: str = field(default="", repr=False)
    """"" leaves the key that is kept as it is."""
    place: Place = "keyring"
    wanted_model: str = ""
    """Taken where `model` is empty and the server offers it."""


async def try_out(client: Client, draft: Draft) -> ProviderTest:
    """What the Test button asks: the address and key of the form, saved or not."""
    # What is not saved yet has no id; its name is what the messages should say then.
    return await client.models.test(
        draft.id or draft.name, draft.base_url, draft.key.strip(), draft.proxy
    )


async def keep(client: Client, draft: Draft) -> Provider:
    """Save the provider and its key. Raises what the engine raises; a new provider whose key
    could not be kept is removed again."""
    if draft.key.strip() and draft.place == "file":
        await client.models.allow_key_file(True)
    known = {provider.id for provider in await client.models.providers()}
    saved = await client.models.save(draft.id, draft.name, draft.base_url, draft.model, draft.proxy)
    if not draft.key.strip():
        return saved
    try:
        return await client.models.set_key(saved.id, draft.key.strip(), draft.place)
    except NagathaError:
        if saved.id not in known:
            await client.models.remove(saved.id)
        raise


async def set_up(client: Client, draft: Draft, *, default: bool = True) -> Provider:
    """Save the provider; find a model for a new one where none was named; with `default`, have
    it asked from now on."""
    saved = await keep(client, draft)
    model = saved.model
    if not model and not draft.id:
        model = await _model(client, saved.id, draft.wanted_model)
        if model:
            saved = await client.models.save(
                saved.id, saved.name, saved.base_url, model, saved.proxy
            )
    if default:
        await client.models.set_default(saved.id, model)
    return saved


async def _model(client: Client, provider: str, wanted: str) -> str:
    """The wanted model if the server has it or tells nothing, else the first of its list."""
    try:
        listed = await client.models.list_models(provider)
    except NagathaError:  # a server without a list still answers
        return wanted
    return choose(listed, wanted)


def choose(listed: tuple[ModelInfo, ...], wanted: str) -> str:
    """`wanted` as the list writes it, else the list's first; `wanted` itself without a list."""
    if not listed:
        return wanted
    for info in listed:
        if wanted and info.id.removeprefix("models/") == wanted.removeprefix("models/"):
            return info.id
    return listed[0].id
