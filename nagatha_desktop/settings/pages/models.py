"""Models and keys: who can be asked, with which key, and how.

Owns the list of providers, the form below it, and the default. Keys are handled by the form.
"""

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.fields import Choice, SettingField
from nagatha_desktop.settings.key_place import KeyPlaceChooser, place_words
from nagatha_desktop.settings.model_box import ModelBox
from nagatha_desktop.settings.page import Page, Row, Rows, here
from nagatha_desktop.settings.presets import PRESETS, preset
from nagatha_desktop.settings.provider_form import ProviderForm, answered
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.widgets.badges import Badge
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.services import Client
from worker.contract.system import (
    KeyringStatus,
    ModelChoice,
    ModelInfo,
    Provider,
    ProviderTest,
)
from worker.contract.types import Problem

ANSWERS = ("models.temperature", "models.max_tokens", "models.system_prompt")
PATIENCE = ("models.connect_timeout", "models.chunk_timeout", "models.total_timeout")
TOOLS = ("agent.max_rounds", "agent.tool_timeout", "agent.tool_result_limit")


class ModelsPage(Page):
    """See the module."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        store: SettingsStore,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(self.tr("Models and keys"), parent)
        self._bridge = bridge
        self._themes = themes
        self.providers: tuple[Provider, ...] = ()
        self.default = ModelChoice("", "")
        self.keyring = KeyringStatus("unknown")
        self.form: ProviderForm | None = None
        self.rows: dict[str, ProviderRow] = {}
        self.add_section(self.tr("Providers"))
        self.list = Rows()
        self.add(self.list)
        self.form_holder = QHBoxLayout()
        self.column.addLayout(self.form_holder)
        self.add_button = button(self.tr("Add a provider …"))
        self.add_button.setMenu(self._add_menu())
        adding = QHBoxLayout()
        adding.addWidget(self.add_button)
        adding.addStretch(1)
        self.column.addLayout(adding)
        self.add(self._keyring_card())
        self.add_section(self.tr("Default model"))
        self.add(self._default_card())
        for title, keys in (
            (self.tr("Answers"), ANSWERS),
            (self.tr("Patience"), PATIENCE),
            (self.tr("Tools"), TOOLS),
        ):
            self.add_section(title)
            rows = Rows()
            for key in keys:
                rows.add(SettingField(key, store))
            self.add(rows)
        self.end()
        store.stale.connect(self._stale)

    # -- how it is put together -------------------------------------------------------------------

    def _add_menu(self) -> QMenu:
        menu = QMenu(self)
        for known in PRESETS:
            menu.addAction(self._add_action(known.name, known.id, menu))
        menu.addSeparator()
        menu.addAction(self._add_action(self.tr("Another address …"), "", menu))
        return menu

    def _add_action(self, text: str, name: str, menu: QMenu) -> QAction:
        action = QAction(text, menu)
        action.setData(name)
        action.triggered.connect(self._add)
        return action

    def _keyring_card(self) -> Card:
        card = Card()
        self.keyring_line = KeyPlaceChooser()
        self.keyring_line.set_plain(True)
        self.keyring_line.look_again_wanted.connect(self._load_keyring)
        card.column.addWidget(self.keyring_line)
        self.file_row = Row(
            self.tr("Keys may be kept in a file"),
            self.tr("You agreed to a file that only you can read. It is not encrypted."),
        )
        self.file_button = button(self.tr("Delete the file and its keys"), "danger")
        self.file_button.clicked.connect(self._end_file)
        self.file_row.put(self.file_button)
        card.column.addWidget(self.file_row)
        self.file_row.hide()
        return card

    def _default_card(self) -> Rows:
        rows = Rows()
        self.default_row = Row(
            self.tr("Asked where a chat chose nothing"), self.tr("A chat may choose another one.")
        )
        self.provider_box = Choice()
        self.provider_box.setAccessibleName(self.tr("Default provider"))
        self.provider_box.activated.connect(self._provider_chosen)
        self.model_box = ModelBox()
        self.model_box.setAccessibleName(self.tr("Default model"))
        self.model_box.chosen.connect(self._model_chosen)
        self.refresh_button = button(
            self.tr("Read again"), "quiet", name=self.tr("Read the list of models again")
        )
        self.refresh_button.clicked.connect(self._refresh_models)
        line = QHBoxLayout()
        line.setSpacing(MEASURES.grid)
        line.addWidget(self.provider_box)
        line.addWidget(self.model_box, 1)
        line.addWidget(self.refresh_button)
        self.default_row.below.insertLayout(0, line)
        rows.add(self.default_row)
        return rows

    # -- reading ----------------------------------------------------------------------------------

    def load(self) -> None:
        """Read providers, the default and the keyring."""

        async def read(client: Client) -> tuple[tuple[Provider, ...], ModelChoice]:
            return await client.models.providers(), await client.models.default()

        self._bridge.call(read, owner=self, done=self._loaded, failed=self.problems.tell)
        self._load_keyring()

    @Slot(str)
    def _stale(self, what: str) -> None:
        if what in ("providers", "data") and self.isVisible():
            self.load()

    def _loaded(self, found: tuple[tuple[Provider, ...], ModelChoice]) -> None:
        changed = found != (self.providers, self.default)
        self.providers, self.default = found
        if changed or not self.rows:
            self._show_list()
            self._show_default()

    @Slot()
    def _load_keyring(self) -> None:
        self._bridge.call(
            lambda client: client.models.keyring(),
            owner=self,
            done=self._know_keyring,
            failed=self.problems.tell,
        )

    def _know_keyring(self, status: KeyringStatus) -> None:
        self.keyring = status
        self.keyring_line.show_status(status)
        self.file_row.setVisible(status.file_consent)
        if self.form is not None:
            self.form.show_keyring(status)

    @Slot()
    def _end_file(self) -> None:
        self._bridge.call(
            lambda client: client.models.allow_key_file(False),
            owner=self,
            done=self._file_ended,
            failed=self.file_row.problems.tell,
        )

    def _file_ended(self, status: KeyringStatus) -> None:
        self._know_keyring(status)
        self.load()

    # -- the list ---------------------------------------------------------------------------------

    def _show_list(self) -> None:
        self.list.clear()
        self.rows.clear()
        for provider in self.providers:
            row = ProviderRow(provider, provider.id == self.default.provider)
            row.test_button.clicked.connect(self._test)
            row.edit_button.clicked.connect(self._edit)
            row.problems.action_wanted.connect(self._edit_after)
            self.rows[provider.id] = row
            self.list.add(row)

    def _row_of(self, sender: object) -> "ProviderRow | None":
        for row in self.rows.values():
            if sender in (row.test_button, row.edit_button, row.problems):
                return row
        return None

    @Slot()
    def _test(self) -> None:
        row = self._row_of(self.sender())
        if row is None:
            return
        provider = row.provider
        row.begin(self.tr("Asking {name} …").format(name=provider.name))
        self._bridge.call(
            lambda client: client.models.test(provider.id),
            owner=row,
            done=row.tested,
            failed=row.failed,
        )

    @Slot()
    def _edit(self) -> None:
        row = self._row_of(self.sender())
        if row is not None:
            self.open_form(row.provider)

    @Slot(str)
    def _edit_after(self, action: str) -> None:
        row = self._row_of(self.sender())
        if row is None:
            return
        if action in ("retry", "wait"):
            row.test_button.click()
        elif row.provider.source == "settings":
            self.open_form(row.provider)

    @Slot()
    def _add(self) -> None:
        action = self.sender()
        if not isinstance(action, QAction):
            return
        name = action.data()
        known = next((p for p in self.providers if p.id == name and name), None)
        self.open_form(known if known and known.source == "settings" else None, str(name))

    # -- the form ---------------------------------------------------------------------------------

    def open_form(self, provider: Provider | None, start: str = "") -> None:
        """Show the form, for a provider or a new one that begins as the preset `start`."""
        self._close_form()
        form = ProviderForm(self._bridge, self._themes, self.keyring, provider, preset(start))
        form.make_default = self.default.provider in ("", "builtin")
        form.closed.connect(self._form_closed)
        form.look_at_keyring_wanted.connect(self._load_keyring)
        self.form = form
        self.form_holder.addWidget(form)
        form.show()
        self.add_button.setEnabled(False)
        first = form.key if provider is not None or start else form.name
        first.setFocus(Qt.FocusReason.TabFocusReason)
        self.reveal(form.save_button)

    @Slot()
    def _form_closed(self) -> None:
        self._close_form()
        self.add_button.setFocus()
        self.providers = ()
        self.load()

    def _close_form(self) -> None:
        if self.form is not None:
            self.form_holder.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
            self.form = None
        self.add_button.setEnabled(True)

    # -- the default ------------------------------------------------------------------------------

    def _show_default(self) -> None:
        self.provider_box.clear()
        for provider in self.providers:
            self.provider_box.addItem(provider.name, provider.id)
        self.provider_box.setCurrentIndex(self.provider_box.findData(self.default.provider))
        environment = any(p.source == "environment" for p in self.providers)
        self.provider_box.setEnabled(not environment)
        self.model_box.setEnabled(not environment)
        self.default_row.say(
            self.tr("A provider from the environment is asked as long as it is set.")
            if environment
            else self.tr("A chat may choose another one.")
        )
        builtin = self.default.provider in ("", "builtin")
        self.model_box.setVisible(not builtin)
        self.refresh_button.setVisible(not builtin)
        self.model_box.show_models((), self.default.model)
        if not builtin:
            self._load_models(False)

    def _load_models(self, refresh: bool) -> None:
        provider = self.default.provider

        def loaded(models: tuple[ModelInfo, ...]) -> None:
            self.refresh_button.setEnabled(True)
            self.default_row.status.say("")
            if provider == self.default.provider:
                self.model_box.show_models(models, self.default.model)

        def failed(problem: Problem) -> None:
            self.refresh_button.setEnabled(True)
            self.default_row.status.say("")
            self.default_row.problems.tell(here(problem), "warn")

        self.default_row.problems.clear()
        self.refresh_button.setEnabled(False)
        self.default_row.status.wait(self.tr("Reading the list of models …"))
        self._bridge.call(
            lambda client: client.models.list_models(provider, refresh),
            owner=self,
            done=loaded,
            failed=failed,
        )

    @Slot()
    def _refresh_models(self) -> None:
        self._load_models(True)

    @Slot()
    def _provider_chosen(self) -> None:
        name = self.provider_box.currentData()
        provider = next((p for p in self.providers if p.id == name), None)
        if provider is not None and name != self.default.provider:
            self._set_default(name, provider.model)

    @Slot(str)
    def _model_chosen(self, model: str) -> None:
        self._set_default(self.default.provider, model)

    def _set_default(self, provider: str, model: str) -> None:
        self._bridge.call(
            lambda client: client.models.set_default(provider, model),
            owner=self,
            done=self._default_set,
            failed=self.default_row.problems.tell,
        )

    def _default_set(self, choice: ModelChoice) -> None:
        self._loaded((self.providers, choice))


class ProviderRow(Row):
    """One provider: its name, where its key is, what is asked there, and how its test went."""

    def __init__(self, provider: Provider, default: bool, parent: QWidget | None = None) -> None:
        super().__init__(provider.name, "", parent)
        self.provider = provider
        self.title.setProperty("role", "strong")
        builtin = provider.kind == "builtin"
        self.say(
            self.tr("Answers what the program itself can, without a model.")
            if builtin
            else " · ".join(
                part for part in (QUrl(provider.base_url).host(), provider.model) if part
            )
        )
        if default:
            self.mark(Badge(self.tr("Default"), "accent"))
        if provider.source == "environment":
            badge = Badge(self.tr("Environment"), "muted")
            badge.setToolTip(self.tr("Set by a variable, for this process only."))
            self.mark(badge)
        elif not builtin:
            words, tone = place_words(provider.key)
            self.mark(Badge(words, tone))
        self.test_button = button(
            self.tr("Test"), name=self.tr("Test {name}").format(name=provider.name)
        )
        self.edit_button = button(
            self.tr("Edit"), name=self.tr("Edit {name}").format(name=provider.name)
        )
        for made in (self.test_button, self.edit_button):
            self.put(made)
        self.test_button.setVisible(not builtin)
        self.edit_button.setVisible(not builtin and provider.source == "settings")

    def buttons(self) -> tuple[QPushButton, ...]:
        """Those that are there."""
        return tuple(b for b in (self.test_button, self.edit_button) if not b.isHidden())

    def begin(self, words: str) -> None:
        """A test is under way."""
        self.problems.clear()
        self.status.wait(words)
        self.test_button.setEnabled(False)

    def tested(self, found: ProviderTest) -> None:
        """A test came to an end."""
        self.test_button.setEnabled(True)
        if found.problem is not None:
            self.status.say("")
            self.problems.tell(here(found.problem))
        else:
            self.status.say(answered(found))

    def failed(self, problem: Problem) -> None:
        """The test itself could not be made."""
        self.tested(ProviderTest(False, 0.0, problem=problem))
