"""What the model is told besides the conversation.

Owns the texts for models. It must not know how they are sent.
"""

from datetime import datetime

GO_ON = (
    "Your last answer broke off. Go on exactly where it ends: begin with the next character, "
    "do not repeat anything, do not comment on the interruption."
)
ENOUGH_TOOLS = (
    "No more tools can be called for this answer. Answer now, with what you have learnt so far."
)


def system_prompt(now: datetime, extra: str = "") -> str:
    """Who the assistant is. `now` is aware, in the person's zone; `extra` the person's own wish.

    Only the day is named: a text that changes every minute would spoil the server's cache.
    """
    zone = str(now.tzinfo) if now.tzinfo is not None else ""
    day = f"{now:%A}, {now.day} {now:%B %Y}" + (f" (time zone {zone})" if zone else "")
    parts = [
        "You are Nagatha, a helpful assistant in a desktop program. Answer in the language of "
        "the question, to the point, in Markdown. Put code in fenced blocks that name their "
        "language. Use a tool where it gives a better answer than memory does, such as for the "
        "time or for calculations. Say so when you do not know something.",
        f"Today is {day}.",
    ]
    if extra.strip():
        parts.append(extra.strip())
    return "\n\n".join(parts)


def title_prompt(question: str, answer: str) -> str:
    """Asks for a chat's title."""
    return (
        "Give this conversation a title of two to six words, in the language of the question. "
        "Answer with the title only: no quotation marks, no full stop, no Markdown.\n\n"
        f"Question:\n{question}\n\nAnswer:\n{answer}"
    )
