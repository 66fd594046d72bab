"""Messages that come through the broker.

Owns the published task `process_message_with_nagatha`.
"""

from celery import Task
from celery.exceptions import Reject

from worker.contract.errors import NagathaError
from worker.service.published import ENDS
from worker.tasks.base import NagathaCelery


def register(app: NagathaCelery) -> None:
    """Register the task with `app`."""

    @app.task(name="process_message_with_nagatha", bind=True, acks_late=True, shared=False)  # type: ignore[untyped-decorator]
    def process_message_with_nagatha(
        self: Task, session_id: str, message: str, user_id: str = ""
    ) -> dict[str, object]:
        """Answer `message` in the chat `session_id` ("" for a new one) of `user_id`."""
        engine = app.engine
        try:
            return engine.runtime.run(
                engine.answer_message(session_id, message, user_id, self.request.id)
            )
        except NagathaError as error:
            if error.kind == ENDS:
                raise Reject(str(error), requeue=True) from None
            return {"success": False, "session_id": session_id, "error": str(error)}
