"""What the screenshots show of routines and approvals.

Owns these scenes; tests/screenshots.py paints them. The engine behind is the fake one.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from PySide6.QtWidgets import QWidget

from nagatha_desktop.activity.routine_editor import RoutineEditor
from nagatha_desktop.activity.window import ActivityWindow
from nagatha_desktop.chat.window import ChatWindow
from nagatha_desktop.tray import Tray
from tests.support.scenes import Stage
from tests.support.scenes_activity import fill_jobs
from worker.contract.types import Message, Problem, ToolUse

Scene = Callable[[Stage], QWidget]


def fill_routines(stage: Stage) -> None:
    """A person's routines, each in another state."""
    desk = stage.fake.routine_desk
    now = desk.now
    chat = stage.main.id
    news = desk.put("Summarise what is new in my feeds", rrule="FREQ=DAILY", id="news",
                    chat=chat, due=now + timedelta(hours=12))  # fmt: skip
    for number, (state, result) in enumerate(
        (
            ("failed", ""),
            ("skipped", ""),
            ("done", "Three releases, and a new law on data in the union."),
        )
    ):
        due = now - timedelta(days=3 - number)
        begun = due + timedelta(seconds=2)
        error = Problem("no_network", "No connection to OpenAI", "The name was not found.")
        desk.happened(
            news.id,
            state,
            due=due,
            started=begun if state != "skipped" else None,
            ended=begun + timedelta(seconds=14),
            seconds=14.2 if state != "skipped" else None,
            cost=Decimal("0.0021") if state == "done" else None,
            result=result,
            error=error if state == "failed" else None,
            chat=chat if state != "skipped" else None,
        )
    mail = desk.put("Draft the answers to new mail", rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
                    start="2026-11-02T08:30:00", due=now + timedelta(hours=20))  # fmt: skip
    desk.happened(mail.id, "parked", due=now - timedelta(minutes=4), chat=chat,
                  started=now - timedelta(minutes=4))  # fmt: skip
    csv = desk.put("Weekly figures", task="sql_export.table_to_csv", rrule="",
                   cron="0 6 * * 1", prompt="", paused=True, due=None, failures=3,
                   paused_why="3 failures in a row")  # fmt: skip
    desk.happened(csv.id, "failed", due=now - timedelta(days=2), started=now - timedelta(days=2),
                  seconds=0.4, error=Problem("x", "The table is gone"))  # fmt: skip
    rent = desk.put("Remind the tenants", rrule="FREQ=MONTHLY;BYMONTHDAY=1",
                    start="2026-11-01T09:00:00", due=now + timedelta(days=4))  # fmt: skip
    for number in range(2):
        desk.happened(rent.id, "asking", due=now - timedelta(days=30 * number + 1))
    desk.happened(news.id, "asking", due=now - timedelta(hours=12))


def _window(stage: Stage) -> ActivityWindow:
    fill_jobs(stage.fake, list(stage.fake.store.all.values()))
    fill_routines(stage)
    stage.watch._ready()
    stage.watch.approvals.load()
    window = ActivityWindow(stage.bridge, stage.themes, stage.state, stage.keys, stage.watch)
    window.show()
    stage.kept.append(window)
    window.show_schedules()
    stage.wait(lambda: len(window.routines.rows) == 4 and bool(window.schedules.rows))
    stage.wait(lambda: bool(window.due.asked))
    return window


def routines(stage: Stage) -> QWidget:
    """Routines above what Nagatha does by itself, and what was missed."""
    return _window(stage)


def history(stage: Stage) -> QWidget:
    """What became of one, and an approval without a chat."""
    stage.fake.approval_desk.put(
        "Send a mail",
        why="wants to send “Figures of week 48” to 3 people",
        asked=stage.fake.routine_desk.now - timedelta(minutes=4, seconds=52),
    )
    window = _window(stage)
    stage.wait(lambda: bool(window.asked.cards))
    row = window.routines.rows["news"]
    row.history_button.click()
    stage.wait(lambda: bool(row.history.rows))
    return window


def _editor(stage: Stage) -> RoutineEditor:
    window = _window(stage)
    window.routines.edit("news")
    editor = window.routines.editor
    assert editor is not None
    stage.wait(lambda: "\n" in editor.next.text() and editor.tool_list.count() > 0)
    return editor


def editor(stage: Stage) -> QWidget:
    """Changing a routine that asks the assistant."""
    made = _editor(stage)
    made.when.pattern.choose("weekly")
    made.ask_preview()
    return made


def editor_task(stage: Stage) -> QWidget:
    """A module's task with its arguments, and a cron line that makes no sense."""
    made = _editor(stage)
    made.kind.choose("task")
    made.task.choose("feeds.fetch_all")
    made.when.pattern.choose("cron")
    made.when.cron.setText("every morning")
    made.ask_preview()
    stage.wait(lambda: "cron" in made.next.text().casefold())
    return made


def _asking(stage: Stage) -> tuple[ChatWindow, Message]:
    window = stage.chat_window()
    question, answer = stage.fake.store.branch(stage.main.id)
    del question
    stage.fake.store.messages[answer.id] = replace(
        answer,
        state="streaming",
        text="",
        usage=None,
        tools=(
            ToolUse("c", "read_text_file", '{"path": "CHANGES.md"}', "done", "# Changes", 0.1, 0),
            ToolUse("d", "write_file", '{"path": "notes/2.4.md"}', "running", "", None, 0),
        ),
    )
    return window, answer


def approval(stage: Stage) -> QWidget:
    """A tool that asks, in the chat."""
    window, answer = _asking(stage)
    stage.fake.approval_desk.put(
        "filesystem · write_file",
        chat=stage.main.id,
        message=answer.id,
        asked=stage.fake.routine_desk.now - timedelta(minutes=4, seconds=52),
    )
    stage.watch.approvals.load()
    window.model.open(stage.main.id)
    stage.wait(lambda: any(view._approvals for view in window.transcript.column.views))
    return window


def approvals(stage: Stage) -> QWidget:
    """Several at once: open with its arguments, never always, and answered."""
    window, answer = _asking(stage)
    desk, now = stage.fake.approval_desk, stage.fake.routine_desk.now
    first = desk.put("filesystem · write_file", chat=stage.main.id, message=answer.id,
                     asked=now - timedelta(minutes=9))  # fmt: skip
    second = desk.put(
        "Create a routine",
        may_always=False,
        chat=stage.main.id,
        message=answer.id,
        why="wants to ask the assistant every weekday at 08:30: Summarise what is new in my feeds, "
        "with the sources, and leave out what I have read already.",
        arguments={"prompt": "Summarise what is new in my feeds", "at": "08:30",
                   "rule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
        asked=now - timedelta(hours=3, minutes=12),
    )  # fmt: skip
    third = desk.put("Send a mail", chat=stage.main.id, message=answer.id,
                     why="wants to send “Figures” to 3 people",
                     asked=now - timedelta(minutes=2))  # fmt: skip
    stage.watch.approvals.load()
    window.model.open(stage.main.id)
    stage.wait(lambda: any(view._approvals for view in window.transcript.column.views))
    stage.runtime.run(desk.answer(first.id, "once"), 30)
    stage.runtime.run(desk.answer(third.id, "deny", "Draft it, and let me send it"), 30)
    view = next(view for view in window.transcript.column.views if view._approvals)
    card = view.approval_card(second.id)
    assert card is not None
    card.toggle.click()
    stage.wait(lambda: sum(card.open for card in view._approvals) == 1)
    return window


def tray(stage: Stage) -> QWidget:
    """The tray's menu while something waits for the person."""
    stage.fake.approval_desk.put()
    made = Tray(stage.themes, stage.watch, stage.keys, stage.bridge)
    stage.watch.approvals.load()
    stage.wait(lambda: stage.watch.mood == "needs_you")
    made.menu.popup(stage.app.primaryScreen().geometry().topLeft())
    stage.ends.append(made.stop)
    return made.menu


ROUTINE_SCENES: dict[str, Scene] = {
    "routines": routines,
    "routines-history": history,
    "routine-editor": editor,
    "routine-editor-task": editor_task,
    "chat-approval": approval,
    "chat-approvals": approvals,
    "tray-approvals": tray,
}
"""File name and scene. A scene returns the window to be painted."""
