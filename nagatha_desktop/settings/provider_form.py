"""The form for one provider: its name, address, key, model and proxy, tried before it is saved.

Owns what stands in the form. A key that is kept is never shown, and an empty field changes none.
"""

from PySide6.QtCore import QCoreApplication, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.key_field import KeyField
from nagatha_desktop.settings.key_place import KeyPlaceChooser, place_words
from nagatha_desktop.settings.model_box import ModelBox
from nagatha_desktop.settings.page import Problems, Status, counted, form_label, here
from nagatha_desktop.settings.presets import Preset, preset
from nagatha_desktop.settings.setup import Draft, set_up, try_out
from nagatha_desktop.widgets.badges import label
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card
from nagatha_desktop.widgets.text import seconds
from nagatha_desktop.widgets.theme import ThemeController
from nagatha_desktop.widgets.tokens import MEASURES
from worker.contract.services import Client
from worker.contract.system import KeyringStatus, ModelInfo, Provider, ProviderTest
from worker.contract.types import Problem

_NO_KEY = frozenset({"none", "not_needed"})
_ELSEWHERE = frozenset({"none", "not_needed", "environment"})


class ProviderForm(Card):
    """See the module. `closed` tells that it is done with, saved or not."""

    closed = Signal()
    look_at_keyring_wanted = Signal()

    def __init__(
        self,
        bridge: Bridge,
        themes: ThemeController,
        keyring: KeyringStatus,
        provider: Provider | None = None,
        start: Preset | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """For `provider`, or a new one that begins as `start`."""
        super().__init__(parent)
        self._bridge = bridge
        self.provider = provider
        self._start = start
        # The first provider that a person adds is the one to be asked.
        self.make_default = False
        if provider is not None:
            title = provider.name
        else:
            title = start.name if start is not None else self.tr("Another address")
        self.title = label(title, "strong")
        self.setAccessibleName(title)
        self.column.addWidget(self.title)
        self.column.addLayout(self._fields(themes))
        self.place = KeyPlaceChooser()
        self.place.look_again_wanted.connect(self.look_at_keyring_wanted)
        self.column.addWidget(self.place)
        self.problems = Problems()
        self.problems.action_wanted.connect(self._act)
        self.column.addWidget(self.problems)
        self.status = Status()
        self.column.addWidget(self.status)
        self.column.addLayout(self._buttons())
        self._fill()
        self.show_keyring(keyring)
        self._show_buttons()

    # -- how it is put together -------------------------------------------------------------------

    def _fields(self, themes: ThemeController) -> QFormLayout:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(MEASURES.grid * 2)
        form.setVerticalSpacing(MEASURES.grid)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.name = QLineEdit()
        self.address = QLineEdit()
        self.address.setPlaceholderText("https://models.example.org/v1")
        self.key = KeyField(themes)
        self.model = ModelBox()
        self.proxy = QLineEdit()
        self.proxy.setPlaceholderText(self.tr("The system's; or http://proxy:8080, socks5://…"))
        key_row = QHBoxLayout()
        key_row.setSpacing(MEASURES.grid)
        key_row.addWidget(self.key, 1)
        self.page_button = button(self.tr("Get a key …"), "quiet")
        self.page_button.clicked.connect(self._open_page)
        key_row.addWidget(self.page_button)
        self.forget_button = button(self.tr("Forget key"), "quiet")
        self.forget_button.clicked.connect(self._forget)
        key_row.addWidget(self.forget_button)
        for title, field in (
            (self.tr("Name"), self.name),
            (self.tr("Address"), self.address),
            (self.tr("Key"), key_row),
            (self.tr("Model"), self.model),
            (self.tr("Proxy"), self.proxy),
        ):
            form.addRow(form_label(title), field)
            if isinstance(field, QWidget):
                field.setAccessibleName(title)
        for line in (self.name, self.address, self.key, self.proxy):
            line.textChanged.connect(self._edited)
            line.returnPressed.connect(self.save)
        return form

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(MEASURES.grid)
        self.save_button = button(self.tr("Save"), "primary")
        self.save_button.clicked.connect(self.save)
        self.test_button = button(self.tr("Test"))
        self.test_button.clicked.connect(self.test)
        self.cancel_button = button(self.tr("Cancel"), "flat")
        self.cancel_button.clicked.connect(self.closed)
        self.remove_button = button(self.tr("Remove"), "danger")
        self.remove_button.clicked.connect(self._ask_to_remove)
        row.addWidget(self.save_button)
        row.addWidget(self.test_button)
        row.addWidget(self.cancel_button)
        row.addStretch(1)
        row.addWidget(self.remove_button)
        return row

    def _fill(self) -> None:
        provider, start = self.provider, self._start
        if provider is not None:
            self.name.setText(provider.name)
            self.address.setText(provider.base_url)
            self.model.show_name(provider.model)
            self.proxy.setText(provider.proxy)
            self._load_models(provider.id)
            start = preset(provider.id)
        elif start is not None:
            self.name.setText(start.name)
            self.address.setText(start.base_url)
            self.model.show_name(start.model)
        self._key_page = start.key_page if start is not None else ""
        self.page_button.setVisible(bool(self._key_page))
        self.remove_button.setVisible(provider is not None)
        self._show_key_place()

    def _show_key_place(self) -> None:
        place = self.provider.key if self.provider is not None else "none"
        words, _ = place_words(place)
        if place in _NO_KEY:
            local = self._start is not None and self._start.local
            no_key = place == "not_needed" or local
            text = self.tr("Not needed") if no_key else self.tr("Paste a key")
        else:
            text = f"•••••••• {words[:1].lower()}{words[1:]}"
        self.key.setPlaceholderText(text)
        self.forget_button.setVisible(place not in _ELSEWHERE)

    def show_keyring(self, status: KeyringStatus) -> None:
        """Say how the keyring is now."""
        self.place.show_status(status)
        self._show_place()

    def _show_place(self) -> None:
        # Where a key goes is asked when there is one.
        self.place.setVisible(bool(self.key.key))

    # -- trying and saving ------------------------------------------------------------------------

    def draft(self) -> Draft:
        """What stands in the form."""
        return Draft(
            id=self.provider.id if self.provider is not None else "",
            name=self.name.text().strip() or QUrl(self.address.text().strip()).host(),
            base_url=self.address.text().strip(),
            model=self.model.name,
            proxy=self.proxy.text().strip(),
            key=self.key.key,
            place=self.place.place() or "keyring",
            wanted_model=self._start.model if self._start is not None else "",
        )

    @Slot()
    def _edited(self) -> None:
        self.status.say("")
        self.problems.clear()
        self._show_place()
        self._show_buttons()

    def _show_buttons(self) -> None:
        there = bool(self.address.text().strip())
        self.save_button.setEnabled(there)
        self.test_button.setEnabled(there)

    @Slot()
    def test(self) -> None:
        """Try what stands in the form; nothing is saved."""
        draft = self.draft()
        self._begin(self.tr("Asking {name} …").format(name=draft.name))
        self._bridge.call(
            lambda client: try_out(client, draft),
            owner=self,
            done=self._tested,
            failed=self._refused,
        )

    def _tested(self, found: ProviderTest) -> None:
        self._end()
        if found.problem is not None:
            self.problems.tell(here(found.problem))
        else:
            self.status.say(answered(found))

    @Slot()
    def save(self) -> None:
        """Save what stands in the form; an empty key leaves the one that is kept."""
        if not self.save_button.isEnabled():
            return
        if self.key.key and self.place.place() is None:
            self.problems.tell(self.place.missing(), "warn")
            return
        if self._kept_key_would_go_elsewhere():
            self.problems.tell(self._elsewhere(), "warn")
            self.key.setFocus()
            return
        draft = self.draft()
        default = self.make_default

        async def work(client: Client) -> Provider:
            return await set_up(client, draft, default=default)

        self._begin(self.tr("Saving …"))
        self._bridge.call(work, owner=self, done=self._saved, failed=self._refused)

    def _kept_key_would_go_elsewhere(self) -> bool:
        """Whether the kept key would be sent to another server than it was given for."""
        provider = self.provider
        if provider is None or provider.key in _ELSEWHERE or self.key.key:
            return False
        return _server(provider.base_url) != _server(self.address.text().strip())

    def _elsewhere(self) -> Problem:
        return Problem(
            "other_address",
            self.tr("The key that is kept belongs to another server"),
            self.tr("It was given for {server}.").format(
                server=_server(self.provider.base_url) if self.provider is not None else ""
            ),
            self.tr("Paste the key for the new address, or forget the one that is kept."),
        )

    def _saved(self, provider: Provider) -> None:
        self._end()
        self.key.forget()
        self.provider = provider
        self.closed.emit()

    def _refused(self, problem: Problem) -> None:
        self._end()
        self.problems.tell(here(problem))
        if problem.kind.startswith("keyring"):
            self.look_at_keyring_wanted.emit()

    def _begin(self, words: str) -> None:
        self.problems.clear()
        self.status.wait(words)
        for made in (self.save_button, self.test_button, self.remove_button, self.forget_button):
            made.setEnabled(False)

    def _end(self) -> None:
        self.status.say("")
        self.remove_button.setEnabled(True)
        self.forget_button.setEnabled(True)
        self._show_buttons()

    @Slot(str)
    def _act(self, action: str) -> None:
        if action in ("retry", "wait"):
            self.test()

    # -- the rest ---------------------------------------------------------------------------------

    def _load_models(self, provider: str) -> None:
        def loaded(models: tuple[ModelInfo, ...]) -> None:
            self.model.show_models(models, self.model.name)

        def failed(_: Problem) -> None:
            """Any name may be typed; Test says what is wrong with the server."""

        self._bridge.call(
            lambda client: client.models.list_models(provider),
            owner=self,
            done=loaded,
            failed=failed,
        )

    @Slot()
    def _open_page(self) -> None:
        QDesktopServices.openUrl(QUrl(self._key_page))

    @Slot()
    def _forget(self) -> None:
        provider = self.provider
        if provider is None:
            return

        def forgotten(now: Provider) -> None:
            self._end()
            self.provider = now
            self._show_key_place()
            self.status.say(self.tr("The key was deleted."))

        self._begin(self.tr("Deleting the key …"))
        self._bridge.call(
            lambda client: client.models.forget_key(provider.id),
            owner=self,
            done=forgotten,
            failed=self._refused,
        )

    @Slot()
    def _ask_to_remove(self) -> None:
        """The first press asks, the second does it."""
        if self.remove_button.property("asked"):
            self._remove()
            return
        self.remove_button.setProperty("asked", True)
        text = self.tr("Remove it and its key")
        self.remove_button.setText(text)
        self.remove_button.setAccessibleName(text)

    def _remove(self) -> None:
        provider = self.provider
        if provider is None:
            return
        self._begin(self.tr("Removing …"))
        self._bridge.call(
            lambda client: client.models.remove(provider.id),
            owner=self,
            done=self._removed,
            failed=self._refused,
        )

    def _removed(self, _: None) -> None:
        self.closed.emit()


def _server(address: str) -> str:
    """The part of an address that says whose server it is."""
    url = QUrl(address)
    port = f":{url.port()}" if url.port() > 0 else ""
    return f"{url.scheme().lower()}://{url.host().lower()}{port}"


def answered(found: ProviderTest) -> str:
    """How a test went that went well, e.g. "✓ answered in 0.4 s · 52 models"."""
    translate = QCoreApplication.translate
    words = translate("ProviderForm", "✓ answered in {time}").format(time=seconds(found.seconds))
    if found.models is None:
        return words
    models = counted(
        found.models,
        translate("ProviderForm", "1 model"),
        translate("ProviderForm", "{number} models"),
    )
    return f"{words} · {models}"
