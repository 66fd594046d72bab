"""What a routine begins with: a prompt's question, answer and run, or a task's run.

Owns the making of these values. Nothing is stored here; it must not know when it is time.
"""

from dataclasses import dataclass, replace

from worker.contract.errors import Conflict
from worker.contract.jobs import PRIORITY_PERSON
from worker.contract.routines import Occurrence, Routine
from worker.contract.types import Chat, Message, Run
from worker.service import run_words
from worker.service.dispatch import PRIORITIES
from worker.service.jobs import Jobs
from worker.service.routing import TASKS
from worker.service.scope import Scope, new_id
from worker.service.wish import Wish
from worker.storage.routines import Start


@dataclass(frozen=True, slots=True)
class Starts:
    """Makes them for one owner."""

    scope: Scope
    jobs: Jobs

    async def begin(self, routine: Routine, time: Occurrence) -> tuple[Occurrence, Start]:
        """An occurrence as it is once it runs, and what is stored with it.

        Raises NotFound for a task or chat that is not there any more, InvalidInput for arguments
        that the task does not take, Conflict for a chat that was deleted.
        """
        if routine.kind == "task":
            fitting = self.jobs.fitting(routine.task, routine.arguments)
            start = Start(self._run(routine, time, self.jobs.new_run(
                routine.task, fitting, source="schedule")))  # fmt: skip
        else:
            start = await self._prompt(routine, time)
        run = start.run
        why = run_words.line(run.queued, run_words.queued(run))
        begun = replace(time, state="running", run=run.id, chat=run.chat, started=self.scope.now())
        return begun, replace(start, lines=(why,))

    def _run(self, routine: Routine, time: Occurrence, run: Run) -> Run:
        urgent = PRIORITY_PERSON if time.by_hand else PRIORITIES["schedule"]
        return replace(run, priority=urgent, progress_text=f"Scheduled: {routine.title}")

    async def _prompt(self, routine: Routine, time: Occurrence) -> Start:
        now, new = self.scope.now(), None
        if routine.chat is None:
            new = chat = Chat(
                id=new_id(),
                title=routine.title,
                created=now,
                updated=now,
                titled_by="person",
                provider=routine.provider,
                model=routine.model,
            )
        else:
            chat = await self.scope.storage.get_chat(self.scope.owner, routine.chat)
            if chat.deleted is not None:
                raise Conflict(
                    "The chat of the schedule was deleted",
                    f"“{chat.title}” is where it answers.",
                    "Choose another chat, or a new one each time.",
                )
        question = Message(
            id=new_id(),
            chat=chat.id,
            parent=chat.head,
            role="user",
            state="complete",
            text=routine.prompt,
            created=now,
        )
        provider, model = routine.provider, routine.model
        if not provider and not model:
            provider, model = chat.provider, chat.model
        # What is asked every morning wants an answer of this morning.
        wish = Wish(provider, model, fresh=True, tools=routine.tools)
        answer_id = new_id()
        run = Run(
            id=new_id(),
            kind="answer",
            name=TASKS[wish.query_type],
            state="PENDING",
            source="schedule",
            queued=now,
            chat=chat.id,
            message=answer_id,
            arguments=wish.arguments(),
            lane="queued",
        )
        answer = Message(
            id=answer_id,
            chat=chat.id,
            parent=question.id,
            role="assistant",
            state="streaming",
            text="",
            created=now,
            run=run.id,
        )
        return Start(self._run(routine, time, run), (), new, question, answer)
