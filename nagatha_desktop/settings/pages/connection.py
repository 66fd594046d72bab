"""Connection: where background work is queued, on this computer or in a Redis on it.

Owns the choice and the trying of it. The engine changes over while it runs, and keeps what it had
where the new one does not answer.
"""

import time

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QButtonGroup, QFormLayout, QHBoxLayout, QLineEdit, QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.fields import SettingField
from nagatha_desktop.settings.page import Option, Page, Problems, Row, Rows, Status, form_label
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.status import EngineWatch
from nagatha_desktop.widgets.badges import Badge
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.cards import Card
from nagatha_desktop.widgets.text import seconds
from nagatha_desktop.widgets.tokens import MEASURES, Tone
from worker.contract.services import Client
from worker.contract.system import EngineStatus, Health
from worker.contract.types import Problem

KEY = "celery.broker_url"
REDIS = "redis://localhost:6379/0"


class ConnectionPage(Page):
    """See the module."""

    def __init__(
        self,
        bridge: Bridge,
        watch: EngineWatch,
        store: SettingsStore,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(self.tr("Connection"), parent)
        self._bridge = bridge
        self._watch = watch
        self._store = store
        self._busy = False
        self.here = Option(
            self.tr("This computer"), self.tr("Everything stays here; nothing to install.")
        )
        self.redis = Option(
            self.tr("Redis on this computer"),
            self.tr("For a Redis that runs already, at redis://localhost:6379."),
        )
        self._group = QButtonGroup(self)
        for option in (self.here, self.redis):
            self._group.addButton(option.radio)
            self.add(option)
        self.here.radio.clicked.connect(self._chose_here)
        self.redis.radio.clicked.connect(self._chose_redis)
        self.add(self._address_card())
        self.fixed = Status()
        self.add(self.fixed)
        self.status = Status()
        self.add(self.status)
        self.trouble = Problems()
        self.trouble.action_wanted.connect(self._again)
        self.add(self.trouble)
        self.add_section(self.tr("Background work"))
        self.add(self._health_rows())
        rows = Rows()
        rows.add(SettingField("celery.concurrency", store))
        self.add(rows)
        self.end()
        store.changed.connect(self._show)
        watch.changed.connect(self._show_health)
        self._show()
        self._show_health()

    def _address_card(self) -> Card:
        self.card = Card()
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(MEASURES.grid * 2)
        self.address = QLineEdit(REDIS)
        self.address.setAccessibleName(self.tr("Address of Redis"))
        self.address.returnPressed.connect(self.connect_redis)
        self.connect_button = button(self.tr("Connect"), "primary")
        self.connect_button.clicked.connect(self.connect_redis)
        line = QHBoxLayout()
        line.setSpacing(MEASURES.grid)
        line.addWidget(self.address, 1)
        line.addWidget(self.connect_button)
        form.addRow(form_label(self.tr("Address")), line)
        self.card.column.addLayout(form)
        return self.card

    def _health_rows(self) -> Rows:
        rows = Rows()
        self.badges = {"worker": Badge(), "beat": Badge()}
        for name, title, text in (
            ("worker", self.tr("Worker"), self.tr("Does what is queued.")),
            ("beat", self.tr("Clock"), self.tr("Begins what is due at its time.")),
        ):
            row = Row(title, text)
            row.put(self.badges[name])
            rows.add(row)
        return rows

    # -- showing ----------------------------------------------------------------------------------

    @property
    def current(self) -> str:
        """The address in force; "" for the bundled broker."""
        setting = self._store.settings.get(KEY)
        return str(setting.value or "") if setting is not None else ""

    def load(self) -> None:
        """Show what is in force."""
        self._show()
        self._show_health()

    @Slot()
    def _show(self) -> None:
        if self._busy:
            return
        setting = self._store.settings.get(KEY)
        current = self.current
        (self.redis if current else self.here).radio.setChecked(True)
        if current and not self.address.hasFocus():
            self.address.setText(current)
        fixed = setting is not None and setting.source in ("environment", "project")
        if fixed:
            self.fixed.say(
                self.tr("Set by the environment, so it cannot be changed here.")
                if setting is not None and setting.source == "environment"
                else self.tr("Set by a nagatha.yaml, so it cannot be changed here."),
                "muted",
            )
        else:
            self.fixed.say("")
        for widget in (self.here.radio, self.redis.radio, self.card):
            widget.setEnabled(setting is not None and not fixed)
        self.card.setVisible(self.redis.radio.isChecked())

    @Slot()
    def _show_health(self) -> None:
        engine = self._watch.engine
        states: dict[str, Health] = (
            {"worker": engine.worker, "beat": engine.beat} if engine is not None else {}
        )
        words: dict[Health, tuple[str, Tone]] = {
            "ok": (self.tr("Running"), "ok"),
            "warning": (self.tr("In trouble"), "warn"),
            "failed": (self.tr("Stopped"), "bad"),
            "off": (self.tr("Off"), "muted"),
        }
        for name, badge in self.badges.items():
            state = states.get(name)
            badge.say(*(words[state] if state is not None else (self.tr("Starting …"), "muted")))

    # -- changing ---------------------------------------------------------------------------------

    @Slot()
    def _chose_here(self) -> None:
        self.card.hide()
        if self.current:
            self._change("")
        else:
            self.trouble.clear()
            self.status.say("")

    @Slot()
    def _chose_redis(self) -> None:
        self.card.show()
        self.address.setFocus()

    @Slot()
    def connect_redis(self) -> None:
        """Use the Redis at the address that stands there."""
        self._change(self.address.text().strip())

    @Slot(str)
    def _again(self, action: str) -> None:
        if action in ("retry", "wait"):
            self.connect_redis() if self.redis.radio.isChecked() else self._chose_here()
        else:
            self.action_wanted.emit(action)

    def _change(self, url: str) -> None:
        if self._busy:
            return

        async def change(client: Client) -> tuple[EngineStatus, float]:
            began = time.monotonic()
            return await client.system.set_broker(url), time.monotonic() - began

        self._busy = True
        for widget in (self.here.radio, self.redis.radio, self.card):
            widget.setEnabled(False)
        self.trouble.clear()
        self.status.wait(self.tr("Changing over …"))
        self._bridge.call(change, owner=self, done=self._changed, failed=self._refused)

    def _changed(self, result: tuple[EngineStatus, float]) -> None:
        self._busy = False
        self.status.say(self.tr("✓ changed over in {time}").format(time=seconds(result[1])), "ok")
        self._store.load()

    def _refused(self, problem: Problem) -> None:
        self._busy = False
        self.status.say("")
        wanted_redis = self.redis.radio.isChecked()
        self._show()
        if wanted_redis:
            # The address stays there to be mended; what is in force is said below.
            self.redis.radio.setChecked(True)
            self.card.show()
        self.trouble.tell(problem)
