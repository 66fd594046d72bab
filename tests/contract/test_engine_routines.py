"""Routines on an engine with a clock of the test's: on time, missed, overlapping, failing."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.engines import becomes, engine_in, module
from tests.support.lab import LAB
from tests.support.mailing import MAILING, asked, calling, sent
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.worlds import World
from worker.contract.errors import Conflict, InvalidInput, NotFound
from worker.contract.routines import Occurrence, Routine, RoutineDraft
from worker.service.routine_clock import SETTLING
from worker.service.routine_start import Starts

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
DRAFT = RoutineDraft(title="News", prompt="What is new?", cron="30 8 * * *", zone="Europe/Berlin")
ECHO = replace(DRAFT, title="Echo", prompt="", task="echo_bot.echo", arguments={"text": "hi"})
DUE = MONDAY + timedelta(minutes=30)


@dataclass
class Clocks:
    """The wall clock and the one that only goes on."""

    now: datetime = MONDAY
    seconds: float = 1000.0

    def pass_(self, **span: float) -> None:
        """Time passes while the machine is awake."""
        self.now += timedelta(**span)
        self.seconds += timedelta(**span).total_seconds()

    def settle(self) -> None:
        self.seconds += SETTLING


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "lab", LAB)
    module(folder, "mailing", MAILING)
    return folder


@pytest.fixture
def there(home: Path, models: ModelServer, clocks: Clocks) -> Iterator[World]:
    """An engine that ticks when the test says so: nothing is plugged in, so nothing else runs."""
    with engine_in(
        home, models=models, now=lambda: clocks.now, monotonic=lambda: clocks.seconds
    ) as made:
        made.run(lambda there: there.engine.modules_ready())
        yield made


async def tick(there: World) -> None:
    await there.engine.routine_clock.tick()


async def history(there: World, routine: Routine) -> list[str]:
    return [one.state for one in await there.client.routines.history(routine.id)]


async def answered_in(there: World, routine: Routine) -> Occurrence:
    """Write the newest occurrence's answer here, and return how it ended."""
    (time, *_) = await there.client.routines.history(routine.id)
    assert time.run is not None
    scope = there.engine.services("local").chats.scope
    await there.engine.answers.take(scope, time.run)
    await there.engine.answers.wait(time.run)
    await tick(there)
    found: Occurrence = await there.engine.storage.get_occurrence("local", time.id)
    return found


def test_a_prompt_runs_at_its_time_in_a_new_chat_and_once(
    there: World, clocks: Clocks, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(replace(DRAFT, tools=("calculate",)))
        assert made.due == DUE
        assert await there.engine.routine_clock.next_routine_due() == DUE
        await tick(there)
        assert await history(there, made) == []
        clocks.pass_(minutes=30, seconds=1)
        await asyncio.gather(tick(there), tick(there))
        await tick(there)
        (time,) = await there.client.routines.history(made.id)
        assert (time.state, time.due, time.earlier) == ("running", DUE, 0)
        found = await there.client.routines.get(made.id)
        assert (found.due, found.last) == (DUE + timedelta(days=1), time)
        run = await there.client.jobs.get(str(time.run))
        assert (run.source, run.lane, run.state) == ("schedule", "queued", "PENDING")
        clocks.pass_(seconds=9)
        ended = await answered_in(there, made)
        assert (ended.state, ended.seconds, ended.cost) == ("done", 9.0, Decimal(0))
        assert ended.result == " ".join(ANSWER.split())
        page = await there.client.chats.page(str(ended.chat))
        assert page.chat.title == "News"
        assert [m.text for m in page.messages] == ["What is new?", ANSWER]
        offered = [t["function"]["name"] for t in models.completions[-1].body["tools"]]
        assert offered == ["calculate"]

    there.run(test)


def test_a_prompt_answers_in_its_chat_and_waits_while_that_is_busy(
    there: World, clocks: Clocks, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        chat = await there.client.chats.create("Mine")
        made = await there.client.routines.add(replace(DRAFT, chat=chat.id))
        busy = await there.client.chats.send(chat.id, "Hold on", model="half", provider="openai")
        clocks.pass_(minutes=30)
        await tick(there)
        await tick(there)
        assert await history(there, made) == ["waiting"]
        models.release()
        await there.answered(busy)
        await tick(there)
        assert (await answered_in(there, made)).chat == chat.id
        page = await there.client.chats.page(chat.id)
        assert [m.text for m in page.messages][-2:] == ["What is new?", ANSWER]
        assert page.messages[-2].parent == page.messages[-3].id
        await there.client.chats.delete(chat.id)
        clocks.pass_(days=1)
        await tick(there)
        (time, *_) = await there.client.routines.history(made.id)
        assert time.state == "failed" and time.error is not None and "deleted" in time.error.title

    there.run(test)


@pytest.mark.parametrize(
    ("missed", "state"), [("skip", "skipped"), ("once", "waiting"), ("ask", "asking")]
)
def test_three_days_off_are_one_occurrence_by_the_policy(
    there: World, clocks: Clocks, missed: Any, state: str
) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(replace(DRAFT, missed=missed))
        clocks.now += timedelta(days=3)
        await tick(there)
        (time,) = await there.client.routines.history(made.id)
        assert (time.state, time.earlier) == (state, 2)
        assert time.due == DUE + timedelta(days=2)
        assert (await there.client.routines.get(made.id)).due == DUE + timedelta(days=3)
        assert [one.id for one in await there.client.routines.asking()] == (
            [time.id] if missed == "ask" else []
        )

    there.run(test)


def test_forty_that_were_due_while_off_begin_two_at_a_time_and_not_at_once(
    there: World, clocks: Clocks
) -> None:
    async def states(there: World, *wanted: str) -> int:
        return len(await there.engine.storage.open_occurrences(wanted))  # type: ignore[arg-type]

    async def test(there: World) -> None:
        for number in range(40):
            await there.client.routines.add(replace(DRAFT, title=str(number)))
        clocks.now += timedelta(days=3)
        await tick(there)
        await tick(there)
        assert (await states(there, "waiting"), await states(there, "running")) == (40, 0)
        clocks.seconds += SETTLING - 1
        assert await there.engine.routine_clock.next_routine_due() == clocks.now + timedelta(
            seconds=1
        )
        await tick(there)
        assert await states(there, "running") == 0
        clocks.seconds += 1
        begun = 0
        while left := await there.engine.storage.open_occurrences(("waiting", "running")):
            await tick(there)
            running = await there.engine.storage.open_occurrences(("running",))
            assert len(running) <= 2 and len(left) <= 40 - begun
            for owned in running:
                begun += 1
                await there.client.jobs.cancel(str(owned.occurrence.run))
            await tick(there)
        assert begun == 40

    there.run(test)


def test_missed_ones_are_decided_together_and_asked_about_once(
    there: World, clocks: Clocks
) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        one = await client.add(replace(DRAFT, missed="ask"))
        two = await client.add(replace(DRAFT, missed="ask", title="Two"))
        clocks.now += timedelta(days=1, hours=2)
        await tick(there)
        clocks.now += timedelta(days=1)
        await tick(there)
        first, second = await client.asking()
        assert {first.routine, second.routine} == {one.id, two.id}
        assert (first.earlier, second.earlier) == (2, 2)
        assert await client.decide((first.id,), run=False) == 1
        assert await client.decide((first.id, second.id), run=True) == 1
        clocks.settle()
        await tick(there)
        open_ = await there.engine.storage.open_occurrences(("running",))
        assert [owned.occurrence.id for owned in open_] == [second.id]

    there.run(test)


def test_after_waking_missed_ones_wait_anew(there: World, clocks: Clocks) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(DRAFT)
        clocks.settle()
        await tick(there)
        clocks.now += timedelta(hours=8)  # asleep: the other clock stood still
        await tick(there)
        assert await history(there, made) == ["waiting"]
        clocks.settle()
        await tick(there)
        assert await history(there, made) == ["running"]

    there.run(test)


def test_a_clock_that_is_set_back_and_forth_runs_nothing_twice(
    there: World, clocks: Clocks
) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(replace(DRAFT, cron="0 * * * *"))
        clocks.pass_(hours=1, minutes=1)
        await tick(there)
        await there.client.jobs.cancel(str((await there.client.routines.history(made.id))[0].run))
        for span in (-2, 2, -2):
            clocks.now += timedelta(hours=span)
            await tick(there)
        # Made anew from a clock that is wrong: its times come again, and are passed over.
        await there.client.routines.pause(made.id, True)
        await there.client.routines.pause(made.id, False)
        clocks.now += timedelta(hours=2)
        await tick(there)
        dues = [one.due for one in await there.client.routines.history(made.id)]
        assert len(dues) == len(set(dues))
        assert sorted(dues)[-1] == MONDAY + timedelta(hours=1)
        clocks.pass_(hours=1)
        await tick(there)
        assert (await there.client.routines.history(made.id))[0].due == MONDAY + timedelta(hours=2)

    there.run(test)


def test_half_past_eight_stays_half_past_eight_when_clocks_change(
    there: World, clocks: Clocks
) -> None:
    async def test(there: World) -> None:
        clocks.now = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)  # summer time ends that night
        weekly = replace(DRAFT, cron="", rrule="FREQ=DAILY", start="2026-10-20T08:30:00")
        for draft in (DRAFT, weekly):
            times = await there.client.routines.preview(draft)
            assert [f"{at:%d %H:%M}" for at in times] == ["25 07:30", "26 07:30", "27 07:30"]
        made = await there.client.routines.add(DRAFT)
        clocks.now = datetime(2026, 10, 25, 7, 30, 1, tzinfo=UTC)
        await tick(there)
        assert await history(there, made) == ["running"]

    there.run(test)


@pytest.mark.parametrize(("overlap", "state"), [("skip", "skipped"), ("queue", "waiting")])
def test_a_time_that_comes_while_the_run_before_goes_on_is_skipped_or_queued(
    there: World, clocks: Clocks, overlap: Any, state: str
) -> None:
    async def test(there: World) -> None:
        hourly = replace(DRAFT, cron="0 * * * *", overlap=overlap)
        made = await there.client.routines.add(hourly)
        for _ in range(3):
            clocks.pass_(hours=1)
            await tick(there)
        found = await history(there, made)
        # Of those that queue one waits for all.
        assert found == ["skipped", state, "running"]
        (first,) = await there.engine.storage.open_occurrences(("running",))
        await there.client.jobs.cancel(str(first.occurrence.run))
        await tick(there)
        assert ("running" in await history(there, made)) is (overlap == "queue")

    there.run(test)


def test_three_failures_in_a_row_pause_it_and_it_says_so(
    there: World, clocks: Clocks, models: ModelServer
) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(DRAFT)
        for number in range(1, 4):
            clocks.pass_(days=1)
            await tick(there)
            models.queue("401")
            ended = await answered_in(there, made)
            assert ended.state == "failed" and ended.error is not None
            found = await there.client.routines.get(made.id)
            assert (found.failures, found.paused) == (number, number == 3)
            # A program that began since it was made is told that it paused.
            assert found.updated == (clocks.now if number == 3 else made.updated)
        assert found.paused_why.startswith("It failed 3 times in a row: ") and found.due is None
        clocks.pass_(days=1)
        await tick(there)
        assert len(await history(there, made)) == 3
        again = await there.client.routines.pause(made.id, False)
        assert (again.failures, again.paused_why, again.due is not None) == (0, "", True)

    there.run(test)


def test_times_that_pass_while_it_is_paused_or_all_work_is(there: World, clocks: Clocks) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        made = await client.add(DRAFT)
        assert (await client.pause(made.id, True)).due is None
        clocks.pass_(days=2)
        await tick(there)
        due = (await client.pause(made.id, False)).due
        assert due == DUE + timedelta(days=2)
        await tick(there)
        assert await history(there, made) == []  # they were not missed
        await there.client.system.pause(True)
        clocks.now += timedelta(hours=1)
        await tick(there)
        assert await history(there, made) == []
        assert await there.engine.routine_clock.next_routine_due() is None
        await there.client.system.pause(False)
        await tick(there)
        assert await history(there, made) == ["waiting"]  # these were

    there.run(test)


def test_run_now_leaves_its_times_alone(there: World, clocks: Clocks) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        made = await client.add(DRAFT)
        time = await client.run_now(made.id)
        assert (time.state, time.by_hand, time.due) == ("running", True, MONDAY)
        assert (await client.get(made.id)).due == DUE
        clocks.pass_(seconds=1)
        with pytest.raises(Conflict):
            await client.run_now(made.id)
        await client.change(made.id, replace(DRAFT, overlap="queue"))
        assert (await client.run_now(made.id)).state == "waiting"

    there.run(test)


@pytest.mark.expect_log_errors
def test_one_that_breaks_holds_up_no_other(
    there: World, clocks: Clocks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begin = Starts.begin

    async def test(there: World) -> None:
        broken = await there.client.routines.add(ECHO)
        sound = await there.client.routines.add(ECHO)

        async def sometimes(self: Starts, routine: Routine, time: Occurrence) -> Any:
            if routine.id == broken.id:
                raise RuntimeError("a defect")
            return await begin(self, routine, time)

        monkeypatch.setattr(Starts, "begin", sometimes)
        clocks.pass_(minutes=30, seconds=1)
        await tick(there)
        assert (await history(there, broken), await history(there, sound)) == ([], ["running"])
        assert f"the schedule {broken.id} could not be looked after" in caplog.text
        # Nothing of it is lost: it is begun once it can be.
        monkeypatch.undo()
        await tick(there)
        assert await history(there, broken) == ["running"]

    there.run(test)


def test_what_makes_no_sense_is_refused(there: World) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        for wrong in (
            replace(DRAFT, prompt=" "),
            replace(DRAFT, task="echo_bot.echo", arguments={"text": "x"}),
            replace(DRAFT, cron="61 * * * *"),
            replace(DRAFT, cron="* * * * * *"),
            replace(DRAFT, cron="", rrule="FREQ=SECONDLY"),
            replace(DRAFT, rrule="FREQ=DAILY"),
            replace(DRAFT, cron="", rrule="FREQ=NEVER"),
            replace(DRAFT, cron="", start="2020-01-01T08:30"),
            replace(DRAFT, zone="No/Where"),
            replace(DRAFT, missed="perhaps"),  # type: ignore[arg-type]
            replace(ECHO, arguments={"wrong": 1}),
        ):
            with pytest.raises(InvalidInput):
                await client.add(wrong)
            with pytest.raises(InvalidInput):
                await client.preview(wrong)
        for missing in (replace(DRAFT, chat="none"), replace(ECHO, task="echo_bot.none")):
            with pytest.raises(NotFound):
                await client.add(missing)
        assert await client.list_routines() == ()

    there.run(test)


def test_it_is_changed_deleted_and_brought_back(there: World, clocks: Clocks) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        made = await client.add(DRAFT, "cli")
        assert (made.source, made.kind, made.title) == ("cli", "prompt", "News")
        changed = await client.change(made.id, replace(ECHO, cron="0 9 * * *"))
        assert (changed.kind, changed.arguments) == ("task", {"text": "hi"})
        assert changed.due == MONDAY + timedelta(hours=1)
        assert (await client.delete(made.id)).due is None
        assert await client.list_routines() == ()
        with pytest.raises(Conflict):
            await client.run_now(made.id)
        clocks.pass_(days=1)
        assert (await client.undelete(made.id)).due == MONDAY + timedelta(days=1, hours=1)
        untitled = await client.add(replace(DRAFT, title="", prompt="word " * 40))
        assert untitled.title.endswith("…") and len(untitled.title) <= 60

    there.run(test)


def test_a_task_runs_through_the_queue_and_its_end_is_kept(home: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        client = there.client.routines
        made = await client.add(replace(ECHO, zone=""))
        time = await client.run_now(made.id)
        await there.ended(str(time.run))

        async def done() -> Occurrence | None:
            (found,) = await client.history(made.id)
            return found if found.ended is not None else None

        ended: Occurrence = await becomes(done, "the occurrence ended")
        assert (ended.state, ended.result, ended.cost) == ("done", "hi", None)
        assert ended.seconds is not None and ended.chat is None

    with engine_in(home, models=models, background=True) as there:
        there.run(test)


def test_a_run_that_a_crash_broke_off_is_marked_and_holds_up_nothing(
    there: World, clocks: Clocks
) -> None:
    async def test(there: World) -> None:
        client, storage = there.client.routines, there.engine.storage
        made = await client.add(DRAFT)
        time = await client.run_now(made.id)
        await storage.claim_answer("local", str(time.run), "gone", clocks.now)
        await storage.interrupt_run("local", str(time.run), "gone", clocks.now)
        clocks.pass_(minutes=30)
        await tick(there)
        assert await history(there, made) == ["running", "interrupted"]
        assert (await client.get(made.id)).failures == 0

    there.run(test)


def test_a_scheduled_prompt_parks_and_its_schedule_says_so(
    there: World, clocks: Clocks, models: ModelServer, tmp_path: Path
) -> None:
    async def test(there: World) -> None:
        file = tmp_path / "mails"
        made = await there.client.routines.add(DRAFT)
        clocks.pass_(minutes=30)
        await tick(there)
        models.queue(calling(file))
        parked = await answered_in(there, made)
        assert parked.state == "parked"
        (waits,) = await asked(there)
        assert waits.routine == made.id
        clocks.pass_(hours=5)
        models.queue(Behaviour(text="It said: "))
        await there.client.approvals.answer(waits.id, "once")
        await there.ended(waits.run)
        await tick(there)
        (ended,) = await there.client.routines.history(made.id)
        assert (ended.state, ended.seconds) == ("done", 0.0)  # not the hours it waited
        assert sent(file) == ["Ann"]

    there.run(test)


def test_a_scheduled_prompt_that_waits_outlives_kill_9(
    home: Path, models: ModelServer, tmp_path: Path
) -> None:
    file = tmp_path / "mails"
    with engine_in(home, models=models, role="cli") as there:
        made = there.run(lambda there: there.client.routines.add(replace(DRAFT, zone="")))
    with other_on(home, models) as other:

        async def park() -> None:
            models.queue(calling(file))
            await other.do(f"client.routines.run_now({made.id!r})")
            await becomes(lambda: other.do("client.approvals.waiting()"), "it waits")

        asyncio.run(park())
        kill(other.process)  # type: ignore[arg-type]
    with engine_in(home, models=models, background=True) as there:

        async def test(there: World) -> None:
            await tick(there)
            assert await history(there, made) == ["parked"]
            (waits,) = await there.client.approvals.waiting()
            models.queue(Behaviour(text="It said: "))
            await there.client.approvals.answer(waits.id, "once")

            async def done() -> bool:
                return await history(there, made) == ["done"]

            await becomes(done, "it ended")
            (time,) = await there.client.routines.history(made.id)
            assert time.result == "It said: Sent to Ann"

        there.run(test)
    assert sent(file) == ["Ann"]


def test_a_timer_begins_it_at_its_time_and_not_before(home: Path, models: ModelServer) -> None:
    async def test(there: World) -> None:
        made = await there.client.routines.add(replace(ECHO, zone=""))
        due = there.engine.now() + timedelta(seconds=0.3)
        await there.engine.storage.update_routine("local", made.id, {"due": due})
        there.engine.routine_clock.changed()

        async def begun() -> Occurrence | None:
            return next(iter(await there.client.routines.history(made.id)), None)

        time: Occurrence = await becomes(begun, "it has begun")
        assert time.due == due
        assert time.started is not None and time.started >= due

    with engine_in(home, models=models, background=True) as there:
        there.run(test)


def test_two_programs_begin_a_time_once_and_it_survives_kill_9(
    home: Path, models: ModelServer
) -> None:
    add = "client.routines.add(__import__('worker.contract.routines', fromlist=['x']).RoutineDraft"
    with other_on(home, models) as other, engine_in(home, models=models, background=True) as there:

        async def test(there: World) -> None:
            models.queue("half")
            text = await other.do(f"{add}(prompt='What is new?', cron='* * * * *'))")
            assert "What is new?" in text
            (made,) = await there.client.routines.list_routines()
            due = there.engine.now() - timedelta(seconds=1)
            await there.engine.storage.update_routine("local", made.id, {"due": due})
            await asyncio.gather(
                *(tick(there) for _ in range(3)),
                other.do("engine.routine_clock.tick()"),
            )
            first = (await there.client.routines.history(made.id))[-1]
            assert first.due == due
            runs = await there.client.jobs.list_runs(kinds=("answer",))
            assert [run.id for run in runs].count(str(first.run)) == 1
            await there.client.routines.pause(made.id, True)
            kill(other.process)  # type: ignore[arg-type]
            models.queue(*(Behaviour(text="and the end"),) * 3)
            models.release()
            await there.engine._tend()
            assert (await there.ended(str(first.run))).state == "SUCCESS"

            async def done() -> bool:
                found = await there.engine.storage.get_occurrence("local", first.id)
                return found.state == "done"

            await becomes(done, "the occurrence ended")

        there.run(test)
