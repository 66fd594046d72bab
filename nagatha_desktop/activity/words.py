"""Background work in words: what a run is, why it is there, and how it stands.

Owns these words and which colour goes with a state. Knows the contract; no widget and no model.
"""

from datetime import datetime

from PySide6.QtCore import QCoreApplication

from nagatha_desktop.activity.times import ago, for_now, took, until
from nagatha_desktop.widgets.text import one_line
from nagatha_desktop.widgets.tokens import Tone
from worker.contract.types import Run, RunKind, Source

_LONGEST = 200

translate = QCoreApplication.translate


def kind_word(kind: RunKind) -> str:
    """A kind of runs, for people."""
    words: dict[RunKind, str] = {
        "answer": translate("Activity", "Answer"),
        "title": translate("Activity", "Title of a chat"),
        "task": translate("Activity", "Task"),
        "maintenance": translate("Activity", "Maintenance"),
        "backup": translate("Activity", "Backup"),
    }
    return words[kind]


def known(name: str) -> str:
    """The plain words for a task of the engine's own; "" for any other."""
    words = {
        "process_message_with_nagatha": translate("Activity", "Answer"),
        "process_ai_query_task": translate("Activity", "Answer a question"),
        "process_medical_analysis_task": translate("Activity", "Medical analysis"),
        "process_database_query_task": translate("Activity", "Question to a database"),
        "process_code_analysis_task": translate("Activity", "Code analysis"),
        "check_mcp_servers_health": translate("Activity", "Check the MCP servers"),
        "reload_mcp_configuration": translate("Activity", "Read the MCP configuration again"),
        "cleanup_memory_and_maintenance": translate("Activity", "Tidy up and make the daily copy"),
        "track_usage_metrics": translate("Activity", "Add up what models used and cost"),
        "process_scheduled_tasks": translate("Activity", "Begin what is due"),
        "export": translate("Activity", "Export of all chats"),
        "import": translate("Activity", "Import of chats"),
        "generate_project_meta": translate("Activity", "Title, summary and tags"),
        "generate_missing_metadata_nightly": translate("Activity", "Add missing summaries"),
        "cleanup_old_metadata": translate("Activity", "Remove old drafts"),
    }
    return words.get(name, "")


def plain(name: str) -> str:
    """A name of a program as words: "reverse_text" as "Reverse text"."""
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:]


def task_words(name: str) -> str:
    """A task's name in plain words, without its module."""
    return known(name) or plain(name.rpartition(".")[2])


def module_of(run: Run) -> str:
    """The module that a run's task belongs to; "" for the engine's own work."""
    return run.name.rpartition(".")[0] if run.kind == "task" else ""


def what(run: Run, chat_title: str) -> str:
    """What a run is, in a few words. `chat_title` is "" where the chat has none or is gone."""
    title = one_line(chat_title, _LONGEST)
    if run.kind == "answer":
        return title or translate("Activity", "Answer in a chat without a title")
    if run.kind == "title":
        return (
            translate("Activity", "Title for “{title}”").format(title=title)
            if title
            else translate("Activity", "Title for a chat")
        )
    if run.kind == "backup":
        return known(run.name) or translate("Activity", "Copy of the database")
    return task_words(run.name) or kind_word(run.kind)


def about(run: Run) -> str:
    """The line below it: the module, or what kind of work it is."""
    module = module_of(run)
    if module:
        return translate("Activity", "Module {name}").format(name=plain(module))
    return kind_word(run.kind)


def why(run: Run, chat_title: str) -> str:
    """Why it is there: which chat, schedule, module or command began it."""
    if run.schedule:
        module, _, entry = run.schedule.rpartition(":")
        name = task_words(entry) if module else plain(run.schedule)
        return translate("Activity", "Schedule “{name}”").format(name=name)
    title = one_line(chat_title, _LONGEST)
    if run.chat and run.kind not in ("answer", "title") and title:
        return translate("Activity", "From the chat “{title}”").format(title=title)
    words: dict[Source, str] = {
        "chat": translate("Activity", "Asked in the chat"),
        "quick": translate("Activity", "Quick ask"),
        "cli": translate("Activity", "Command line"),
        "api": translate("Activity", "Another program"),
        "schedule": translate("Activity", "Schedule"),
        "module": translate("Activity", "A module"),
        "engine": translate("Activity", "Nagatha itself"),
    }
    return words[run.source]


def state(run: Run, now: datetime) -> tuple[str, Tone]:
    """How a run stands, as a word and its colour."""
    if run.state == "RETRY":
        if run.due is not None and run.due > now:
            word = translate("Activity", "Retry {time}").format(time=until(run.due, now))
        else:
            word = translate("Activity", "Retry")
        return word, "warn"
    words: dict[str, tuple[str, Tone]] = {
        "PENDING": (translate("Activity", "Waiting"), "warn"),
        "STARTED": (translate("Activity", "Running"), "accent"),
        "PROGRESS": (translate("Activity", "Running"), "accent"),
        "SUCCESS": (translate("Activity", "Done"), "ok"),
        "FAILURE": (translate("Activity", "Failed"), "bad"),
        "REVOKED": (translate("Activity", "Cancelled"), "muted"),
        "INTERRUPTED": (translate("Activity", "Interrupted"), "warn"),
    }
    return words[run.state]


def attempts(run: Run) -> str:
    """How often it was begun, where that is more than once."""
    if run.attempts < 2:
        return ""
    return translate("Activity", "{number} attempts").format(number=run.attempts)


def percent(run: Run) -> str:
    """How far it is; "" where that is not known."""
    return "" if run.progress is None else f"{round(min(1.0, max(0.0, run.progress)) * 100)} %"


def when(run: Run, now: datetime) -> tuple[str, str]:
    """Two lines about its times: the one that matters now, and the other."""
    if run.state in ("PENDING", "RETRY"):
        queued = translate("Activity", "queued {time}").format(time=ago(run.queued, now))
        if run.state == "PENDING" and run.due is not None and run.due > now:
            return translate("Activity", "begins {time}").format(time=until(run.due, now)), queued
        if run.follows:
            return translate("Activity", "after the step before"), queued
        return queued, ""
    begun = run.started or run.queued
    if run.state in ("STARTED", "PROGRESS"):
        return for_now(begun, now), translate("Activity", "began {time}").format(
            time=ago(begun, now)
        )
    ended = run.ended or begun
    if run.started is None:
        return ago(ended, now), translate("Activity", "never begun")
    return ago(ended, now), translate("Activity", "took {time}").format(time=took(begun, ended))


def times_said(run: Run, now: datetime) -> str:
    """What `when` says, for a place without a heading above it."""
    first, second = when(run, now)
    if run.state in ("STARTED", "PROGRESS"):
        first = translate("Activity", "at work for {time}").format(time=first)
    return " · ".join(part for part in (first, second) if part)
