"""The prompt for an answer: the branch of the tree, its files, and what is left out to make it fit.

Owns the way from messages to a prompt. It must not know how a model is reached. It works on
values only, so the same branch always gives the same prompt.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from worker.agent.prompts import GO_ON
from worker.agent.standstill import Standstill
from worker.contract.errors import ModelError
from worker.contract.types import Attachment, Message
from worker.providers.base import Image, PromptMessage, ToolSpec
from worker.providers.tokens import estimate_message, estimate_prompt, estimate_tools

_MARGIN = 0.05
"""Share of the context that is left free, since tokens are estimated."""
_RESERVE = 1024
"""Tokens kept for the answer where its length is not limited."""
_LIMIT = re.compile(
    r"(?:context (?:length|window|size)(?: is| of)?|maximum(?: number)?(?: of)? tokens(?: allowed)?"
    r"|limit(?: of)?)\D{0,24}?(\d[\d,.  ]{2,})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered, and all that belongs to it."""

    branch: tuple[Message, ...]
    """The messages from the beginning of the chat to the question, the answer not included."""
    system: str = ""
    """The system prompt."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The bytes of the branch's attachments by id; what is missing is named as missing."""
    resume: str = ""
    """The part of the answer that is there already and is to be gone on from."""
    standstill: Standstill | None = None
    """Where the answer was parked; it is gone on from there, and `resume` is the whole text."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that should fit."""

    messages: tuple[PromptMessage, ...]
    tokens: int
    """An estimate, tools included."""
    left_out: int = 0
    """Older messages that did not fit."""


def build_prompt(
    question: Question,
    *,
    tools: Sequence[ToolSpec] = (),
    budget: int | None = None,
    images: bool | None = None,
    extra: Sequence[PromptMessage] = (),
) -> Prompt:
    """The prompt for `question`, with `extra` (calls and results of tools) at its end.

    `budget` is how many tokens it may have; None sends all. The oldest messages are left out
    first; the question itself always stays. `images` False leaves pictures out of older messages
    and raises ModelError ("no_images") when the question has some.
    """
    system, turns, counts = _turns(question, images)
    tail = list(extra)
    stands = question.standstill
    resume = question.resume if stands is None else stands.resume
    if resume:
        tail = [PromptMessage("assistant", resume), PromptMessage("user", GO_ON), *tail]
    fixed = estimate_prompt([*system, *tail]) + estimate_tools(tools)
    first = 0
    if budget is not None and turns:
        sizes = [estimate_message(turn) for turn in turns]
        last = max(i for i, turn in enumerate(turns) if turn.role == "user" or i == 0)
        while first < last and fixed + sum(sizes[first:]) > budget:
            first += 1
            # A prompt begins with the person's message.
            while first < last and turns[first].role != "user":
                first += 1
    kept = turns[first:]
    messages = (*system, *kept, *tail)
    return Prompt(
        messages=messages,
        tokens=estimate_prompt(messages, tools),
        left_out=sum(counts[:first]),
    )


def prompt_budget(context: int | None, max_tokens: int | None) -> int | None:
    """How many tokens a prompt may have for a model with this context; None where unknown."""
    if context is None:
        return None
    reserve = min(max_tokens or _RESERVE, context // 2)
    return max(1, int(context * (1 - _MARGIN)) - reserve)


def smaller_budget(prompt: Prompt, error: ModelError, max_tokens: int | None) -> int:
    """What to try after a server said that `prompt` is too long: its own limit, if it names
    one that helps, or else three fifths of the prompt."""
    less = prompt.tokens * 3 // 5
    if (limit := context_in(error.problem.message)) is not None:
        named = prompt_budget(limit, max_tokens)
        if named is not None and named < prompt.tokens:
            return min(named, prompt.tokens * 9 // 10)
    return less


def context_in(text: str) -> int | None:
    """The context's size that a server's message names."""
    sizes = [int(re.sub(r"\D", "", found)) for found in _LIMIT.findall(text)]
    return next((size for size in sizes if size >= 256), None)


def left_out_note(count: int, context: int | None) -> str:
    """Says that older messages were left out."""
    what = "1 older message was" if count == 1 else f"{spaced(count)} older messages were"
    size = f" of {spaced(context)} tokens" if context is not None else ""
    return f"{what} left out to fit the model's context{size}."


def spaced(number: int) -> str:
    """8192 as "8 192", with narrow no-break spaces."""
    return f"{number:,}".replace(",", "\u202f")


def _turns(
    question: Question, images: bool | None
) -> tuple[list[PromptMessage], list[PromptMessage], list[int]]:
    """System messages, turns, and how many messages each turn was made of."""
    system = [question.system] if question.system else []
    turns: list[PromptMessage] = []
    counts: list[int] = []
    last = question.branch[-1].id if question.branch else ""
    for message in question.branch:
        if message.role == "system":
            system.append(message.text)
            continue
        if message.role == "assistant":
            # An answer that failed with nothing said, or is being written, is no turn.
            if not message.text.strip() or message.state == "streaming":
                continue
            turn = PromptMessage("assistant", message.text)
        else:
            turn = _asked(message, question.files, images, message.id == last)
        if turns and turns[-1].role == turn.role:
            # Many servers insist on turns that alternate.
            before = turns[-1]
            joined = "\n\n".join(text for text in (before.text, turn.text) if text)
            turns[-1] = replace(before, text=joined, images=before.images + turn.images)
            counts[-1] += 1
        else:
            turns.append(turn)
            counts.append(1)
    head = [PromptMessage("system", "\n\n".join(system))] if system else []
    return head, turns, counts


def _asked(
    message: Message, files: Mapping[str, bytes], images: bool | None, now: bool
) -> PromptMessage:
    parts: list[str] = []
    pictures: list[Image] = []
    for attachment in message.attachments:
        data = files.get(attachment.id)
        if data is None:
            parts.append(f"[The file {_name(attachment)} is no longer there.]")
        elif not attachment.media_type.startswith("image/"):
            parts.append(fenced(_name(attachment), decoded(data)))
        elif images is False:
            if now:
                raise ModelError(
                    "The model cannot see images",
                    f"{attachment.name} is a picture.",
                    "Choose a model that sees images, or send the message without them.",
                    kind="no_images",
                    action="choose_model",
                )
            parts.append(f"[The picture {_name(attachment)}, which you cannot see.]")
        else:
            pictures.append(Image(attachment.media_type, data))
    if message.text:
        parts.append(message.text)
    return PromptMessage("user", "\n\n".join(parts), images=tuple(pictures))


def _name(attachment: Attachment) -> str:
    return " ".join(attachment.name.split())


def fenced(name: str, text: str) -> str:
    """A text file as it stands in a prompt: no file can end its own fence."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"File {name}:\n{fence}\n{text.rstrip()}\n{fence}"


def decoded(data: bytes) -> str:
    """The text of a file: what its byte order mark says, else UTF-8, else Latin-1; never fails."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
