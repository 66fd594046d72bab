"""What can be asked: providers, their models, and which one is asked where nothing was chosen.

Owns what the chat window knows of them. Knows the contract and the bridge; no widget.
"""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from nagatha_desktop.bridge import Bridge
from worker.contract.events import Event, SettingsChanged
from worker.contract.services import Client
from worker.contract.system import ModelChoice, ModelInfo, Provider
from worker.contract.types import Problem


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be asked, as far as it is known."""

    providers: tuple[Provider, ...] = ()
    default: ModelChoice | None = None

    def provider(self, name: str) -> Provider | None:
        """The provider with the id `name`."""
        return next((found for found in self.providers if found.id == name), None)


class Models(QObject):
    """What can be asked; read again when settings change."""

    changed = Signal()

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.catalogue = Catalogue()
        self.lists: dict[str, tuple[ModelInfo, ...]] = {}
        self.problems: dict[str, Problem] = {}
        bridge.listen(self, self._take)

    def load(self) -> None:
        """Read providers and the default."""

        async def read(client: Client) -> Catalogue:
            return Catalogue(await client.models.providers(), await client.models.default())

        self._bridge.call(read, owner=self, done=self._loaded)

    def load_lists(self) -> None:
        """Ask each provider for its models, those that are not known yet."""
        for provider in self.catalogue.providers:
            if provider.id not in self.lists and provider.kind != "builtin":
                self._load_list(provider.id)

    def context(self, provider: str, model: str) -> int | None:
        """How many tokens a model takes, where that is known already."""
        for found in self.lists.get(provider, ()):
            if found.id == model:
                return found.context
        return None

    def resolve(self, provider: str, model: str) -> ModelChoice:
        """What will really be asked where a chat chose `provider` and `model`."""
        default = self.catalogue.default or ModelChoice("", "")
        if not provider and not model:
            return default
        found = self.catalogue.provider(provider)
        return ModelChoice(provider, model or (found.model if found is not None else ""))

    def _loaded(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.changed.emit()
        default = catalogue.default
        if default is None or default.provider in self.lists:
            return
        provider = catalogue.provider(default.provider)
        if provider is not None and provider.kind != "builtin":
            self._load_list(provider.id)

    def _load_list(self, provider: str) -> None:
        def done(models: tuple[ModelInfo, ...]) -> None:
            self.lists[provider] = models
            self.problems.pop(provider, None)
            self.changed.emit()

        def failed(problem: Problem) -> None:
            self.problems[provider] = problem
            self.changed.emit()

        self._bridge.call(
            lambda client: client.models.list_models(provider),
            owner=self,
            done=done,
            failed=failed,
        )

    def _take(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            self.lists.clear()
            self.problems.clear()
            self.load()
