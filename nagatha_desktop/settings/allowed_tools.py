"""Tools that need not be asked about any more, each with the button that takes it back.

Owns the list and reading it. That a tool came to stand here was decided on its card.
"""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from nagatha_desktop.bridge import Bridge
from nagatha_desktop.settings.page import Row, Rows
from nagatha_desktop.widgets.buttons import button
from nagatha_desktop.widgets.text import one_line
from worker.contract.events import ApprovalChanged, DataReplaced, Event
from worker.contract.types import Problem

_LONGEST = 120


class AllowedTool(Row):
    """One tool."""

    revoke_wanted = Signal(str)

    def __init__(self, tool: str, parent: QWidget | None = None) -> None:
        super().__init__(one_line(tool, _LONGEST), "", parent)
        self.tool = tool
        self.revoke_button = button(
            self.tr("Revoke"), name=self.tr("Ask about “{tool}” again").format(tool=tool)
        )
        self.revoke_button.clicked.connect(self._revoke)
        self.put(self.revoke_button)

    @Slot()
    def _revoke(self) -> None:
        self.revoke_wanted.emit(self.tool)


class AllowedTools(Rows):
    """See the module. `load` reads them again."""

    def __init__(self, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self.tools: dict[str, AllowedTool] = {}
        self.about = Row(self.tr("Looking …"))
        self.add(self.about)
        bridge.listen(self, self._take)

    def load(self) -> None:
        """Read which tools these are."""
        self._bridge.call(
            lambda client: client.approvals.always(),
            owner=self,
            done=self._show,
            failed=self._not_read,
        )

    def _not_read(self, problem: Problem) -> None:
        self.about.title.setText(self.tr("They could not be read"))
        self.about.problems.tell(problem)

    def _show(self, found: tuple[str, ...]) -> None:
        self.clear()
        self.tools = {}
        if found:
            title = self.tr("These run without asking")
            text = self.tr("You chose “Always for this tool” for them.")
        else:
            title = self.tr("None so far")
            text = self.tr("A tool stands here once you choose “Always for this tool” on its card.")
        self.about = Row(title, text)
        self.add(self.about)
        for tool in found:
            row = AllowedTool(tool)
            row.revoke_wanted.connect(self._revoke)
            self.add(row)
            self.tools[tool] = row

    @Slot(str)
    def _revoke(self, tool: str) -> None:
        def refused(problem: Problem) -> None:
            if tool in self.tools:
                self.tools[tool].problems.tell(problem)

        self._bridge.call(
            lambda client: client.approvals.revoke(tool),
            owner=self,
            done=lambda _: self.load(),
            failed=refused,
        )

    def _take(self, event: Event) -> None:
        always = isinstance(event, ApprovalChanged) and event.approval.verdict == "always"
        if self.isVisible() and (always or isinstance(event, DataReplaced)):
            self.load()
