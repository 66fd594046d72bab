"""An answer that stops half way until the test lets it go on, and waiting for its words."""

from collections.abc import Awaitable, Callable

from tests.support.model_server import Behaviour
from tests.support.worlds import World
from worker.contract.events import AnswerDelta, Event
from worker.contract.types import Sent

HALF = Behaviour(text="one two three four five six ", pause_after=3)
PIXEL = b"\x89PNG\r\n\x1a\n" + b"\0" * 60


def run(there: World, test: Callable[[World], Awaitable[None]]) -> None:
    there.run(test)


def is_text(text: str) -> Callable[[Event], bool]:
    """An event with which an answer has come to hold `text`."""
    came = []

    def wanted(event: Event) -> bool:
        if isinstance(event, AnswerDelta):
            came.append(event.text)
        return text in "".join(came)

    return wanted


async def begun(there: World, question: str = "Begin", chat: str | None = None) -> Sent:
    """An answer of the model "half" of which the first words are there."""
    events = there.client.events()
    sent = await there.client.chats.send(chat, question, model="half", provider="openai")
    wanted = is_text("three")
    async for event in events:
        if wanted(event):
            break
    return sent
