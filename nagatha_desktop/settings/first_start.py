"""The first start, on one page: paste a key, use a model on this machine, or go on without one.

Owns the page, and when it is shown: where no provider is set up and it was not sent away. What a
window does with the page is the window's business.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.fields import Choice
from nagatha_desktop.settings.key_field import KeyField
from nagatha_desktop.settings.key_place import KeyPlaceChooser
from nagatha_desktop.settings.page import Problems, Row, Rows, Status, form_label, here
from nagatha_desktop.settings.presets import PRESETS, guess, preset
from nagatha_desktop.settings.setup import Draft, set_up, try_out
from nagatha_desktop.state import WindowState
from nagatha_desktop.widgets.badges import label, wrapped
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card
from nagatha_desktop.widgets.style import set_role
from nagatha_desktop.widgets.text import seconds
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.errors import error_from
from worker.contract.events import Event, SettingsChanged
from worker.contract.services import Client
from worker.contract.system import KeyringStatus, Provider, ProviderTest
from worker.contract.types import Problem

_WIDEST = MEASURES.grid * 70
_OTHER = ""
"""The entry of the list for an address that has no name."""


class FirstStart(QScrollArea):
    """The page. `finished` tells that it has done its work and may go."""

    finished = Signal()

    def __init__(
        self, bridge: Bridge, themes: ThemeController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._busy = False
        self._local: dict[QPushButton, Provider] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("First start"))
        self._lay_out(themes)
        self._show_provider()
        self._read_keyring()
        self.look()

    # -- how it is put together -------------------------------------------------------------------

    def _lay_out(self, themes: ThemeController) -> None:
        canvas = QWidget()
        set_role(canvas, "canvas")
        outer = QHBoxLayout(canvas)
        side = MEASURES.grid * 3
        outer.setContentsMargins(side, side, side, side)
        inner = QWidget()
        inner.setMaximumWidth(_WIDEST)
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(MEASURES.grid * 3 // 2)
        outer.addStretch(1)
        outer.addWidget(inner, 100)
        outer.addStretch(1)
        column.addStretch(1)
        column.addWidget(label(self.tr("Who should answer?"), "heading"))
        column.addWidget(
            wrapped(
                self.tr(
                    "Nagatha asks a model of your choice. You can change this at any time in "
                    "Settings › Models and keys."
                ),
                "muted",
            )
        )
        column.addWidget(self._key_card(themes))
        column.addWidget(self._local_card())
        last = QHBoxLayout()
        self.skip_button = button(self.tr("Go on without a model"), "flat")
        self.skip_button.clicked.connect(self.finished)
        last.addWidget(self.skip_button)
        last.addWidget(
            wrapped(self.tr("The built-in assistant answers what it can."), "small"),
            1,
        )
        column.addLayout(last)
        column.addStretch(2)
        self.setWidget(canvas)

    def _key_card(self, themes: ThemeController) -> Card:
        card = Card()
        card.column.addWidget(label(self.tr("Paste a key"), "strong"))
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(MEASURES.grid * 2)
        form.setVerticalSpacing(MEASURES.grid)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.key = KeyField(themes)
        self.key.textChanged.connect(self._typed)
        self.key.returnPressed.connect(self.test_and_use)
        form.addRow(form_label(self.tr("Key")), self.key)
        self.provider = Choice()
        for known in PRESETS:
            if not known.local:
                self.provider.addItem(known.name, known.id)
        self.provider.addItem(self.tr("Another address"), _OTHER)
        self.provider.setAccessibleName(self.tr("Provider"))
        self.provider.currentIndexChanged.connect(self._show_provider)
        with_page = QHBoxLayout()
        with_page.setSpacing(MEASURES.grid)
        with_page.addWidget(self.provider, 1)
        self.page_button = button(self.tr("Get a key …"), "quiet")
        self.page_button.clicked.connect(self._open_page)
        with_page.addWidget(self.page_button)
        form.addRow(form_label(self.tr("Provider")), with_page)
        self.address = QLineEdit()
        self.address.setPlaceholderText("https://models.example.org/v1")
        self.address.setAccessibleName(self.tr("Address"))
        self.address.textChanged.connect(self._typed)
        self.address.returnPressed.connect(self.test_and_use)
        self._address_label = form_label(self.tr("Address"))
        form.addRow(self._address_label, self.address)
        card.column.addLayout(form)
        self.place = KeyPlaceChooser()
        self.place.look_again_wanted.connect(self._read_keyring)
        self.place.changed.connect(self._place_chosen)
        card.column.addWidget(self.place)
        self.problems = Problems()
        self.problems.action_wanted.connect(self._act)
        card.column.addWidget(self.problems)
        foot = QHBoxLayout()
        foot.setSpacing(MEASURES.grid)
        self.use_button = button(self.tr("Test and use"), "primary")
        self.use_button.clicked.connect(self.test_and_use)
        foot.addWidget(self.use_button)
        self.status = Status()
        foot.addWidget(self.status, 1)
        foot.addStretch(0)
        card.column.addLayout(foot)
        return card

    def _local_card(self) -> Card:
        card = Card()
        head = QHBoxLayout()
        head.addWidget(label(self.tr("Use a model on this machine"), "strong"), 1)
        self.look_button = button(self.tr("Look again"), "quiet")
        self.look_button.clicked.connect(self.look)
        head.addWidget(self.look_button)
        card.column.addLayout(head)
        self.local_words = wrapped("", "small")
        card.column.addWidget(self.local_words)
        self.local_rows = Rows()
        self.local_rows.hide()
        card.column.addWidget(self.local_rows)
        self.local_problems = Problems()
        card.column.addWidget(self.local_problems)
        return card

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.key.setFocus()

    # -- a key ------------------------------------------------------------------------------------

    @Slot()
    def _typed(self) -> None:
        self.problems.clear()
        self.status.say("")
        found = guess(self.key.key)
        # Many servers give out keys that look like OpenAI's: an address of one's own stands.
        other = self.provider.currentData() == _OTHER
        if found is not None and self.sender() is self.key and not other:
            self.provider.setCurrentIndex(self.provider.findData(found.id))
        self._show_button()

    @Slot()
    def _show_provider(self) -> None:
        chosen = preset(self.provider.currentData())
        self.page_button.setVisible(chosen is not None and bool(chosen.key_page))
        for widget in (self.address, self._address_label):
            widget.setVisible(chosen is None)
        self._show_button()

    def _show_button(self) -> None:
        other = self.provider.currentData() == _OTHER
        ready = bool(self.address.text().strip()) if other else bool(self.key.key)
        self.use_button.setEnabled(ready and not self._busy)

    @Slot()
    def _open_page(self) -> None:
        chosen = preset(self.provider.currentData())
        if chosen is not None:
            QDesktopServices.openUrl(QUrl(chosen.key_page))

    def draft(self) -> Draft:
        """What the form says."""
        chosen = preset(self.provider.currentData())
        place = self.place.place() or "keyring"
        if chosen is not None:
            return Draft(
                "", chosen.name, chosen.base_url,
                key=self.key.key, place=place, wanted_model=chosen.model,
            )  # fmt: skip
        address = self.address.text().strip()
        host = QUrl(address).host() or self.tr("Model server")
        return Draft("", host, address, key=self.key.key, place=place)

    @Slot()
    def test_and_use(self) -> None:
        """Try the key, say what is wrong with it, or keep and use it."""
        if not self.use_button.isEnabled():
            return
        self.problems.clear()
        if self.key.key and self.place.place() is None:
            self.problems.tell(self.place.missing(), "warn")
            self.place.ask()
            QTimer.singleShot(0, self, self._show_problems)
            return
        self._use(self.draft(), self._not_used)
        self.status.wait(self.tr("Asking {name} …").format(name=self.draft().name))

    def _not_used(self, problem: Problem) -> None:
        self.status.say("")
        self.problems.tell(here(problem))
        if problem.kind.startswith("keyring"):
            self._read_keyring()
        self.key.setFocus()
        self.key.selectAll()
        QTimer.singleShot(0, self, self._show_problems)

    @Slot()
    def _show_problems(self) -> None:
        """Bring what went wrong into sight, once it has its place."""
        self.ensureWidgetVisible(self.problems)

    @Slot()
    def _place_chosen(self) -> None:
        """What was asked for is there."""
        if any(problem.kind == "key_place" for problem in self.problems.told):
            self.problems.clear()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not isinstance(self.focusWidget(), QLineEdit):
            # On the page's boxes and circles, which Space sets; fields tell of it themselves.
            self.test_and_use()
            return
        super().keyPressEvent(event)

    @Slot(str)
    def _act(self, action: str) -> None:
        """A card's button: all that can be done about it is done on this page."""
        if action in ("retry", "wait"):
            self.test_and_use()

    # -- a model on this machine ------------------------------------------------------------------

    @Slot()
    def look(self) -> None:
        """Look for model servers on this machine."""
        self.look_button.setEnabled(False)
        self.local_words.setText(self.tr("Looking for Ollama and LM Studio …"))
        self.local_words.show()
        self._bridge.call(
            lambda client: client.models.discover(),
            owner=self,
            done=self._found,
            failed=self._not_found,
        )

    def _found(self, providers: tuple[Provider, ...]) -> None:
        self.look_button.setEnabled(True)
        self._local.clear()
        self.local_rows.clear()
        self.local_rows.setVisible(bool(providers))
        self.local_words.setVisible(not providers)
        self.local_words.setText(
            self.tr(
                "Nothing answers here: Ollama at 127.0.0.1:11434 or LM Studio at 127.0.0.1:1234. "
                "Start one, then look again."
            )
        )
        for provider in providers:
            model = provider.model or self.tr("no model is loaded there yet")
            row = Row(provider.name, model)
            use = button(self.tr("Use"), name=self.tr("Use {name}").format(name=provider.name))
            use.setEnabled(bool(provider.model) and not self._busy)
            use.clicked.connect(self._use_local)
            self._local[use] = provider
            row.put(use)
            self.local_rows.add(row)

    def _not_found(self, problem: Problem) -> None:
        self.look_button.setEnabled(True)
        self.local_words.hide()
        self.local_problems.tell(problem)

    @Slot()
    def _use_local(self) -> None:
        sender = self.sender()
        found = self._local.get(sender) if isinstance(sender, QPushButton) else None
        if found is not None:
            self.local_problems.clear()
            draft = Draft("", found.name, found.base_url, model=found.model)
            self._use(draft, self.local_problems.tell)

    # -- both -------------------------------------------------------------------------------------

    def _use(self, draft: Draft, failed: Callable[[Problem], None]) -> None:
        async def use(client: Client) -> tuple[Provider, ProviderTest]:
            found = await try_out(client, draft)
            if found.problem is not None:
                raise error_from(found.problem)
            return await set_up(client, draft), found

        def not_used(problem: Problem) -> None:
            self._set_busy(False)
            failed(problem)

        self._set_busy(True)
        self._bridge.call(use, owner=self, done=self._used, failed=not_used)

    def _used(self, result: tuple[Provider, ProviderTest]) -> None:
        provider, found = result
        self._set_busy(False)
        self.key.forget()
        self.status.say(
            self.tr("{name} answered in {time}.").format(
                name=provider.name, time=seconds(found.seconds)
            )
        )
        self.finished.emit()

    @property
    def busy(self) -> bool:
        """Whether something is being tried or saved."""
        return self._busy

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        for widget in (self.key, self.provider, self.address, self.place, *self._local):
            widget.setEnabled(not busy)
        self._show_button()

    @Slot()
    def _read_keyring(self) -> None:
        self._bridge.call(
            lambda client: client.models.keyring(),
            owner=self,
            done=self.place.show_status,
            failed=self._no_keyring,
        )

    def _no_keyring(self, problem: Problem) -> None:
        self.place.show_status(KeyringStatus("missing", problem=problem))


class FirstStartGuide(QObject):
    """Decides when the page is there. `page_changed` hands it to the window, None takes it away."""

    page_changed = Signal(object)
    """The page (FirstStart), or None."""

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        state: WindowState,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._themes = themes
        self._state = state
        self.page: FirstStart | None = None
        bridge.ready.connect(self.look)
        bridge.listen(self, self._take)

    @Slot()
    def look(self) -> None:
        """Ask whether a provider is set up, unless the page was sent away before."""
        if not self._state.flag("first_start_done"):
            self._bridge.call(lambda client: client.models.providers(), owner=self, done=self._know)

    def _know(self, providers: tuple[Provider, ...]) -> None:
        needed = all(provider.kind == "builtin" for provider in providers)
        if self._state.flag("first_start_done"):
            needed = False
        if needed and self.page is None:
            self.page = FirstStart(self._bridge, self._themes)
            self.page.finished.connect(self.end)
            self.page_changed.emit(self.page)
        elif not needed and self.page is not None and not self.page.busy:
            self._take_away()

    @Slot()
    def end(self) -> None:
        """The person has decided; the page does not come back."""
        self._state.set("first_start_done", True)
        self._take_away()

    def _take_away(self) -> None:
        if self.page is not None:
            self.page = None
            self.page_changed.emit(None)

    def _take(self, event: Event) -> None:
        if isinstance(event, SettingsChanged) and self.page is not None:
            self.look()
