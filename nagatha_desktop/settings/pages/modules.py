"""Modules: the plug-ins, each with its switch, its state and what is wrong with it.

Owns the list. Where modules are and what they do is the engine's affair.
"""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.page import Page, Row, Rows, make_switch
from nagatha_desktop.settings.store import SettingsStore
from nagatha_desktop.widgets.badges import Badge, wrapped
from nagatha_desktop.widgets.tokens import Tone
from worker.contract.system import ModuleInfo
from worker.contract.types import Problem


class ModulesPage(Page):
    """See the module."""

    def __init__(self, bridge: Bridge, store: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Modules"), parent)
        self._bridge = bridge
        self.rows: dict[str, ModuleRow] = {}
        self.add(
            wrapped(
                self.tr(
                    "Modules add tasks and tools. Your own ones run only after you switched them "
                    "on, with all the rights that you have."
                ),
                "muted",
            )
        )
        self.list = Rows()
        self.list.hide()
        self.add(self.list)
        self.empty = wrapped(self.tr("No module was found."), "muted")
        self.empty.hide()
        self.add(self.empty)
        self.end()
        store.stale.connect(self._stale)

    def load(self) -> None:
        """Read the list."""
        self._bridge.call(
            lambda client: client.modules.list_modules(),
            owner=self,
            done=self._loaded,
            failed=self.problems.tell,
        )

    @Slot(str)
    def _stale(self, what: str) -> None:
        if what == "modules" and self.isVisible():
            self.load()

    def _loaded(self, modules: tuple[ModuleInfo, ...]) -> None:
        self.problems.clear()
        self.empty.setVisible(not modules)
        self.list.setVisible(bool(modules))
        if [module.name for module in modules] != list(self.rows):
            self.list.clear()
            self.rows.clear()
            for module in modules:
                row = ModuleRow(module)
                row.switch.clicked.connect(self._switched)
                self.rows[module.name] = row
                self.list.add(row)
        for module in modules:
            self.rows[module.name].show_module(module)

    @Slot()
    def _switched(self) -> None:
        for row in self.rows.values():
            if row.switch is self.sender():
                self._switch(row)

    def _switch(self, row: "ModuleRow") -> None:
        name, on = row.module.name, row.switch.isChecked()
        row.begin()
        self._bridge.call(
            lambda client: client.modules.enable(name) if on else client.modules.disable(name),
            owner=row,
            done=row.show_module,
            failed=row.refused,
        )


class ModuleRow(Row):
    """One module."""

    def __init__(self, module: ModuleInfo, parent: QWidget | None = None) -> None:
        super().__init__(module.name, " ", parent)
        self.module = module
        self.title.setProperty("role", "strong")
        self.badge = Badge()
        self.put(self.badge)
        self.switch = make_switch()
        self.switch.setAccessibleName(self.tr("Module {name} on").format(name=module.name))
        self.put(self.switch)
        self.show_module(module)

    def show_module(self, module: ModuleInfo) -> None:
        """Show how it is."""
        self.module = module
        words: dict[str, tuple[str, Tone]] = {
            "on": (self.tr("On"), "ok"),
            "off": (self.tr("Off"), "muted"),
            "broken": (self.tr("Broken"), "bad"),
        }
        self.badge.say(*words[module.state])
        self.switch.setEnabled(True)
        self.switch.setChecked(module.state == "on")
        self.status.say("")
        parts = [module.description]
        if module.tasks:
            parts.append(", ".join(module.tasks))
        origin = self.tr("your own") if module.source == "person" else self.tr("shipped")
        parts.append(f"{module.version} · {origin}" if module.version else origin)
        self.say("\n".join(part for part in parts if part))
        if module.problem is not None:
            self.problems.tell(module.problem, dismissible=False)
        else:
            self.problems.clear()

    def begin(self) -> None:
        """It is being switched."""
        self.problems.clear()
        self.switch.setEnabled(False)
        self.status.wait(self.tr("Switching …"))

    def refused(self, problem: Problem) -> None:
        """It could not be switched."""
        self.show_module(self.module)
        self.problems.tell(problem)
