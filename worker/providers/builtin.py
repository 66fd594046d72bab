"""The built-in assistant: answers without any model what the program's own tools can answer.

Owns a provider that recognises a few kinds of questions and calls the fitting tool; the agent's
one loop runs it, as with any model. It must not know the tools themselves, only the names under
which they are offered. It guesses nothing: what it does not recognise, it says so.
"""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence

from worker.contract.system import ModelInfo
from worker.providers.base import (
    CallsReady,
    CompletionRequest,
    Finished,
    Piece,
    PromptMessage,
    TextDelta,
    ToolCall,
    ToolSpec,
)
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
    recognise,
)

ID = "builtin"
MODEL = "built-in"
NAME = "Built-in assistant"

SETUP = (
    "To set one up, open **Settings › Models and keys** and paste a key (OpenAI, Gemini, "
    "OpenRouter or any compatible address), or start **Ollama** or **LM Studio** on this machine "
    "and choose it there. The environment variable `OPENAI_API_KEY` works as well."
)
NO_MODEL = (
    "No model is set up, so I can answer only a few things by myself: the date and time, "
    "calculations, reminders, what I can do, and tasks of modules.\n\n" + SETUP
)
HELP = (
    "I am Nagatha's built-in assistant. No model is set up, but I can do this:\n\n"
    "- tell the date and time: *What time is it in Tokyo?*\n"
    "- calculate: *15% of 80*, *sqrt(2) * 3*\n"
    "- remind you of something: *Remind me to call Anna tomorrow at 9*, *my reminders*\n"
    "- list what I can do: *What can you do?*\n"
    "- run a module's task: `run echo_bot.echo text=hello`\n\n" + SETUP
)
HELLO = "Hello. No model is set up yet, but I can help with a few things; try *help*.\n\n" + SETUP
THANKS = "You are welcome."


class BuiltinProvider:
    """A `ModelProvider` that is the program itself."""

    id = ID
    name = NAME
    local = True

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[Piece, None]:
        """See `ModelProvider.stream`. Never fails."""
        results = _results(request.messages)
        if results:
            for piece in _said(_presented(request.messages, results)):
                yield piece
            return
        offered = {tool.name: tool for tool in request.tools}
        intent = recognise(_last_question(request.messages))
        call = _call(intent, offered)
        if isinstance(call, ToolCall):
            yield CallsReady((call,))
            yield Finished("tool_calls", None, MODEL)
            return
        for piece in _said(call):
            yield piece

    async def models(self) -> tuple[ModelInfo, ...]:
        """See `ModelProvider.models`."""
        return (ModelInfo(MODEL, ID, NAME, images=False),)

    async def aclose(self) -> None:
        """See `ModelProvider.aclose`."""


def _said(text: str) -> tuple[Piece, ...]:
    return (TextDelta(text), Finished("stop", None, MODEL))


def _last_question(messages: Sequence[PromptMessage]) -> str:
    return next((m.text for m in reversed(messages) if m.role == "user"), "")


def _results(messages: Sequence[PromptMessage]) -> tuple[PromptMessage, ...]:
    """The results at the end of a prompt that answer the last calls."""
    found: list[PromptMessage] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        found.insert(0, message)
    return tuple(found)


def _call(intent: Intent, offered: Mapping[str, ToolSpec]) -> ToolCall | str:
    """The tool to call, or what to say."""
    match intent:
        case Help():
            return HELP
        case Hello():
            return HELLO
        case Thanks():
            return THANKS
        case AskTime(zone=zone) if "date_time" in offered:
            return _to("date_time", {"zone": zone} if zone else {})
        case Calculate(expression=expression) if "calculate" in offered:
            return _to("calculate", {"expression": expression})
        case ListAbilities() if "list_abilities" in offered:
            return _to("list_abilities", {})
        case RemindMe(line="") if "list_reminders" in offered:
            return _to("list_reminders", {})
        case RemindMe(line=line) if line and "create_reminder" in offered:
            return _to("create_reminder", {"said": line})
        case RunTask(name=name, arguments=arguments, problem=""):
            if "run_task" in offered:
                return _to("run_task", {"name": name, "arguments": arguments})
            as_tool = name.replace(".", "__", 1)
            if as_tool in offered:
                return _to(as_tool, arguments)
            return f"The task `{name}` cannot be run from here. Ask *What can you do?* for a list."
        case RunTask(problem=problem):
            return f"{problem} A task is run like this: `run echo_bot.echo text=hello`."
    return NO_MODEL


def _to(name: str, arguments: Mapping[str, object]) -> ToolCall:
    return ToolCall("call_1", name, json.dumps(arguments, ensure_ascii=False))


def _presented(messages: Sequence[PromptMessage], results: Sequence[PromptMessage]) -> str:
    calls = {call.id: call for message in messages for call in message.calls}
    return "\n\n".join(_present(calls.get(m.call_id), m.text) for m in results)


def _present(call: ToolCall | None, text: str) -> str:
    if text.startswith("Error: "):
        return f"That did not work. {text.removeprefix('Error: ')}"
    if call is None:
        return text
    match call.name:
        case "date_time":
            return f"It is {text.partition(' (')[0]} ({text.partition('(')[2].partition(';')[0]})."
        case "calculate":
            return f"`{text}`"
        case "create_reminder":
            return f"I will remind you. {text}"
        case "list_reminders":
            return text
        case "list_abilities":
            return f"{text}\n\nRun a task like this: `run module.task name=value`."
        case "run_task":
            name = json.loads(call.arguments)["name"]
            return f"`{name}` answered:\n\n{_block(text)}"
    return f"`{call.name.replace('__', '.', 1)}` answered:\n\n{_block(text)}"


def _block(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
