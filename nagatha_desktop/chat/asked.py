"""Approvals at the answers of the open chat: shown where they belong, and answered from there.

Owns which approvals the transcript shows and that a card's answer reaches the engine. It knows
the model, the watch of approvals and the transcript; how a card looks is the card's own affair.
"""

from PySide6.QtCore import QObject, Slot

from nagatha_desktop.approvals import ApprovalWatch
from nagatha_desktop.chat.model import ChatModel
from nagatha_desktop.chat.transcript import Transcript
from worker.contract.routines import Approval, Verdict
from worker.contract.types import Message, Page

_VERDICTS: dict[str, Verdict] = {"once": "once", "always": "always", "deny": "deny"}


class Asked(QObject):
    """See the module."""

    def __init__(
        self,
        model: ChatModel,
        watch: ApprovalWatch,
        transcript: Transcript,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._watch = watch
        self._transcript = transcript
        self._wanted: Approval | None = None
        model.page_shown.connect(self._page_shown)
        model.older_shown.connect(self._older_shown)
        model.message_put.connect(self._put)
        watch.told.connect(self._told)
        transcript.approval_answered.connect(self._answer)

    def show(self, approval: Approval) -> None:
        """Bring an approval's card into sight, now or once its chat is read."""
        self._wanted = approval
        self._go()

    @Slot(object)
    def _page_shown(self, page: Page | None) -> None:
        for message in page.messages if page is not None else ():
            self._put(message)
        self._go()

    @Slot(object)
    def _older_shown(self, page: Page) -> None:
        for message in page.messages:
            self._put(message)

    @Slot(object)
    def _put(self, message: Message) -> None:
        found = self._watch.of_message(message.id)
        if found:
            self._transcript.set_approvals(message.id, found)

    @Slot(object)
    def _told(self, approval: Approval) -> None:
        if approval.message is not None and self._model.message(approval.message) is not None:
            found = self._watch.of_message(approval.message)
            self._transcript.set_approvals(approval.message, found)
            self._go()

    def _go(self) -> None:
        wanted = self._wanted
        if wanted is None or wanted.message is None or self._model.loading:
            return
        if self._transcript.show_approval(wanted.message, wanted.id):
            self._wanted = None

    @Slot(str, str, str)
    def _answer(self, approval: str, verdict: str, instead: str) -> None:
        self._watch.answer(
            approval,
            _VERDICTS[verdict],
            instead,
            failed=lambda problem: self._transcript.approval_failed(approval, problem),
        )
