import pytest

from worker.providers.intents import (
    AskTime,
    Calculate,
    Hello,
    Help,
    Intent,
    ListAbilities,
    RemindMe,
    RunTask,
    Thanks,
    Unknown,
    recognise,
)

TABLE: list[tuple[str, Intent]] = [
    ("help", Help()),
    ("Help me!", Help()),
    ("/help", Help()),
    ("?", Help()),
    ("Hilfe", Help()),
    ("Hello", Hello()),
    ("hallo nagatha", Hello()),
    ("Good morning!", Hello()),
    ("Thanks a lot", Thanks()),
    ("Danke!", Thanks()),
    ("What time is it?", AskTime()),
    ("what's the date today", AskTime()),
    ("what day is it", AskTime()),
    ("What time is it in Tokyo?", AskTime("Tokyo")),
    ("what time is it in New York right now?", AskTime("New York")),
    ("What is the time in Europe/Berlin", AskTime("Europe/Berlin")),
    ("time", AskTime()),
    ("Wie spät ist es?", AskTime()),
    ("Wie viel Uhr ist es in Berlin?", AskTime("Berlin")),
    ("Welcher Tag ist heute?", AskTime()),
    ("2+2", Calculate("2+2")),
    ("what is 6 * 7?", Calculate("6 * 7")),
    ("What's 15% of 80", Calculate("15% of 80")),
    ("calculate sqrt(2) * 3", Calculate("sqrt(2) * 3")),
    ("3 times 4", Calculate("3 * 4")),
    ("was ist 15 Prozent von 80?", Calculate("15 % of 80")),
    ("12 geteilt durch 4", Calculate("12 / 4")),
    ("2 ^ 10 =", Calculate("2 ^ 10")),
    ("7 squared", Calculate("7 ^2")),
    ("what is the square root of 16", Calculate("sqrt(16)")),
    ("What can you do?", ListAbilities()),
    ("list all tasks", ListAbilities()),
    ("Was kannst du?", ListAbilities()),
    ("tools", ListAbilities()),
    ("remind me at 9 what is 6 * 7", RemindMe("remind me at 9 what is 6 * 7")),
    ("Could you remind me to call at 5?", RemindMe("Could you remind me to call at 5?")),
    ("Erinnere mich um 9 an Milch", RemindMe("Erinnere mich um 9 an Milch")),
    ("my reminders", RemindMe()),
    ("Meine Erinnerungen", RemindMe()),
    ("Who reminds me?", Unknown()),
    ("run echo_bot.echo text=hello", RunTask("echo_bot.echo", {"text": "hello"})),
    ("/run echo_bot.echo text=hello", RunTask("echo_bot.echo", {"text": "hello"})),
    ("/run echo_bot.ping", RunTask("echo_bot.ping")),
    ("Run the task echo_bot.ping", RunTask("echo_bot.ping")),
    ('run echo_bot.echo text="hello there"', RunTask("echo_bot.echo", {"text": "hello there"})),
    ("run echo_bot.echo text=hello there", RunTask("echo_bot.echo", {"text": "hello there"})),
    (
        "run echo_bot.echo with text=it's",
        RunTask("echo_bot.echo", {"text": "it's"}),
    ),
    (
        'run ai.extract {"text": "a", "n": 2}',
        RunTask("ai.extract", {"text": "a", "n": 2}),
    ),
    ("führe echo_bot.ping aus", RunTask("echo_bot.ping")),
    ("run a=1", Unknown()),
    ("Write a poem about time.", Unknown()),
    ("Explain the theory of relativity", Unknown()),
    ("2026-11-21", Unknown()),
    ("+49 30 1234567", Unknown()),
    ("42", Unknown()),
    ("", Unknown()),
    ("x" * 5000, Unknown()),
    ("what is love", Unknown()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "intent"), TABLE, ids=[text[:30] for text, _ in TABLE])
def test_recognise_a_question_then_the_wish_behind_it(text: str, intent: Intent) -> None:
    assert recognise(text) == intent


@pytest.mark.parametrize(
    "text",
    [
        "run echo_bot.echo hello",
        'run ai.extract {"text": ',
        "/run",
        "/run echo",
    ],
)
def test_recognise_a_task_written_wrongly_then_it_says_why(text: str) -> None:
    wish = recognise(text)
    assert isinstance(wish, RunTask)
    assert wish.problem.endswith((".", "?"))
