"""What every client does, whether the engine is in this process or behind HTTP: conversations.

One suite for both. What belongs to one feature of the engine alone is tested with that feature;
here is what a window relies on. The other features are in test_client_engine.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.worlds import Kind, World, close, world
from worker.contract.errors import Conflict, InvalidInput, NotFound, TooLarge
from worker.contract.events import AnswerDelta, ChatChanged, Event, MessageChanged, RunChanged
from worker.contract.services import Client
from worker.contract.types import Chat

WEIRD = "NUL \x00, lone \ud800, bidi \u202etxet\u202c, שלום, 🎉, line \u2028 and \r\n end"
TestOn = Callable[[Client, World], Awaitable[None]]


def on_loop(test: TestOn) -> Callable[[World], None]:
    """A test that runs on the engine's loop, with the client that the fixture made."""

    def run(there: World) -> None:
        there.run(lambda this: test(this.client, this))

    run.__name__ = run.__qualname__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@pytest.fixture(params=["local", "remote"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """An engine, and one of the two clients of it."""
    with world(cast(Kind, request.param), tmp_path / "nagatha") as made:
        yield made


@on_loop
async def test_chats_are_made_found_changed_and_brought_back(client: Client, here: World) -> None:
    chat = await client.chats.create("First", provider="openai", model="fast")
    assert (chat.title, chat.provider, chat.model, chat.messages) == ("First", "openai", "fast", 0)
    assert chat.created.tzinfo is not None and chat.titled_by == "person"
    assert await client.chats.get(chat.id) == chat
    other = await client.chats.create()
    assert [one.id for one in await client.chats.list_chats()] == [other.id, chat.id]
    assert (await client.chats.pin(chat.id, True)).pinned
    assert [one.id for one in await client.chats.list_chats()] == [chat.id, other.id]
    assert [one.id for one in await client.chats.list_chats(limit=1)] == [chat.id]
    assert (await client.chats.rename(chat.id, "Second")).title == "Second"
    assert (await client.chats.archive(chat.id, True)).archived
    assert [one.id for one in await client.chats.list_chats(archived=True)] == [chat.id]
    assert (await client.chats.archive(chat.id, False)).archived is False
    deleted = await client.chats.delete(other.id)
    assert deleted.deleted is not None and deleted.deleted.tzinfo is not None
    assert [one.id for one in await client.chats.list_chats()] == [chat.id]
    assert (await client.chats.undelete(other.id)).deleted is None
    await client.chats.set_draft(chat.id, "not yet")
    assert (await client.chats.set_model(chat.id, "", "")).model == ""
    assert (await client.chats.get(chat.id)).draft == "not yet"


@on_loop
async def test_what_is_not_there_is_told_as_not_found(client: Client, here: World) -> None:
    chats, jobs = client.chats, client.jobs
    calls: tuple[tuple[Callable[..., Awaitable[object]], tuple[str, ...]], ...] = (
        (chats.get, ("x",)), (chats.page, ("x",)), (chats.tree, ("x",)), (chats.message, ("x",)),
        (chats.rename, ("x", "y")), (chats.retry, ("x",)), (chats.edit, ("x", "y")),
        (chats.resume, ("x",)), (chats.select, ("x",)), (chats.stop, ("x",)),
        (chats.delete, ("x",)), (chats.attachment, ("x",)), (chats.send, ("x", "y")),
        (chats.set_draft, ("x", "y")), (jobs.get, ("x",)), (jobs.cancel, ("x",)),
    )  # fmt: skip
    for call, arguments in calls:
        with pytest.raises(NotFound) as caught:
            await call(*arguments)
        assert caught.value.problem.title and caught.value.kind == "not_found"


@on_loop
async def test_answer_streams_in_and_is_stored(client: Client, here: World) -> None:
    events = client.events()
    sent = await client.chats.send(None, "Say hello")
    assert sent.question is not None and sent.question.text == "Say hello"
    assert (sent.answer.state, sent.answer.parent) == ("streaming", sent.question.id)
    assert sent.chat.running
    text, seen, seqs = "", [], []
    async for event in events:
        seen.append(event)
        seqs.append(event.seq)
        if isinstance(event, AnswerDelta):
            assert event.message == sent.answer.id and event.offset == len(text)
            text += event.text
        if isinstance(event, RunChanged) and (event.run.id, event.run.state) == (
            sent.run, "SUCCESS",
        ):  # fmt: skip
            break
    await close(events)
    answer = await client.chats.message(sent.answer.id)
    assert answer.state == "complete" and answer.text == text
    assert text.startswith("Hello from the model server")
    assert (answer.provider, answer.model) == ("openai", "fast")
    assert answer.usage is not None and answer.usage.output > 0 and answer.seconds is not None
    assert seqs == sorted(seqs) and seqs[0] > 0
    assert all(event.at is not None and event.at.tzinfo is not None for event in seen)
    kinds = {type(event) for event in seen}
    assert {ChatChanged, MessageChanged, AnswerDelta, RunChanged} <= kinds
    page = await client.chats.page(sent.chat.id)
    assert [message.id for message in page.messages] == [sent.question.id, sent.answer.id]
    assert not page.more and not page.chat.running
    assert await client.chats.tree(sent.chat.id) == page.messages


@on_loop
async def test_nothing_to_send_and_a_busy_chat_are_refused(client: Client, here: World) -> None:
    for text in ("", "  \n"):
        with pytest.raises(InvalidInput):
            await client.chats.send(None, text)
    sent = await client.chats.send(None, "Wait", model="pause")
    with pytest.raises(Conflict):
        await client.chats.send(sent.chat.id, "Too early")
    with pytest.raises(Conflict):
        await client.chats.retry(sent.answer.id)
    here.models.release()
    assert (await here.answered(sent)).state == "complete"


@on_loop
async def test_stopped_answer_keeps_its_part_and_goes_on(client: Client, here: World) -> None:
    events = client.events()
    sent = await client.chats.send(None, "Wait", model="pause")
    async for event in events:
        if isinstance(event, AnswerDelta) and event.text:
            break
    await close(events)
    await client.chats.stop(sent.run)
    stopped = await here.answered(sent)
    assert stopped.state == "stopped" and stopped.text
    await client.chats.stop(sent.run)
    here.models.release()
    again = await client.chats.resume(stopped.id)
    assert again.question is None and again.answer.id == stopped.id
    ended = await here.answered(again)
    assert ended.state == "complete" and ended.text.startswith(stopped.text)
    with pytest.raises(InvalidInput):
        await client.chats.resume(ended.id)


@on_loop
async def test_retry_and_edit_make_versions_that_can_be_paged(client: Client, here: World) -> None:
    sent = await client.chats.send(None, "One")
    assert sent.question is not None
    first = await here.answered(sent)
    second = await here.answered(await client.chats.retry(first.id, model="echo"))
    assert second.siblings == (first.id, second.id) and (second.version, second.versions) == (2, 2)
    edited = await client.chats.edit(sent.question.id, "Two")
    assert edited.question is not None and edited.question.versions == 2
    await here.answered(edited)
    page = await client.chats.page(sent.chat.id)
    assert page.messages[0].text == "Two"
    page = await client.chats.select(first.id)
    assert [message.id for message in page.messages] == [sent.question.id, first.id]
    page = await client.chats.select(sent.question.id)
    assert page.messages[-1].id == second.id
    tree = await client.chats.tree(sent.chat.id)
    assert {message.text for message in tree if message.role == "user"} == {"One", "Two"}
    with pytest.raises(InvalidInput):
        await client.chats.retry(sent.question.id)
    with pytest.raises(InvalidInput):
        await client.chats.edit(first.id, "Not mine")


@on_loop
async def test_any_text_comes_back_as_it_was(client: Client, here: World) -> None:
    sent = await client.chats.send(None, WEIRD, model="echo")
    assert sent.question is not None and sent.question.text == WEIRD
    answer = await here.answered(sent)
    assert answer.state == "complete"
    assert (await client.chats.message(sent.question.id)).text == WEIRD
    await client.chats.set_draft(sent.chat.id, WEIRD)
    assert (await client.chats.get(sent.chat.id)).draft == WEIRD
    long = "wörd 🎉 " * 15_000
    sent = await client.chats.send(sent.chat.id, long)
    assert sent.question is not None
    assert (await client.chats.message(sent.question.id)).text == long
    await here.answered(sent)


@on_loop
async def test_long_chats_are_read_page_by_page(client: Client, here: World) -> None:
    chat: Chat | None = None
    for number in range(5):
        sent = await client.chats.send(chat.id if chat else None, f"Question {number}")
        chat = sent.chat
        await here.answered(sent)
    assert chat is not None
    last = await client.chats.page(chat.id, limit=4)
    assert last.more and [m.text for m in last.messages if m.role == "user"] == [
        "Question 3",
        "Question 4",
    ]
    before = await client.chats.page(chat.id, before=last.messages[0].id, limit=100)
    assert not before.more and len(before.messages) == 6
    found = await client.chats.page_from(chat.id, before.messages[4].id, limit=1)
    assert [m.id for m in found.messages][1] == before.messages[4].id
    assert found.messages[-1].id == last.messages[-1].id


@on_loop
async def test_messages_are_found_by_words_and_parts_of_words(client: Client, here: World) -> None:
    sent = await client.chats.send(None, "Where is the Café Zürich?")
    await here.answered(sent)
    for query in ("cafe zurich", "ÜRIC"):
        (hit,) = await client.chats.search(query)
        assert sent.question is not None and hit.message == sent.question.id
        assert hit.chat == sent.chat.id and hit.match and hit.created.tzinfo is not None
    other = await client.chats.create("Another")
    assert await client.chats.search("cafe", chat=other.id) == ()
    assert await client.chats.search("") == () and await client.chats.search('"*( OR') == ()


@on_loop
async def test_files_are_kept_sent_and_read_back_byte_for_byte(client: Client, here: World) -> None:
    data = "Grüße\r\n".encode() * 1000
    kept = await client.chats.attach("notes.txt", data)
    assert (kept.name, kept.media_type, kept.size) == ("notes.txt", "text/plain", len(data))
    assert kept.tokens > 0
    assert await client.chats.attachment(kept.id) == data
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
    image = await client.chats.attach("a.png", picture)
    assert image.media_type == "image/png"
    assert await client.chats.attachment(image.id) == picture
    sent = await client.chats.send(None, "Read this", attachments=(kept.id,))
    assert sent.question is not None and sent.question.attachments == (kept,)
    await here.answered(sent)
    with pytest.raises(InvalidInput):
        await client.chats.attach("a.bin", b"\x00\x01\xff" * 100)
    with pytest.raises(InvalidInput):
        await client.chats.attach("empty.txt", b"")
    with pytest.raises(TooLarge) as caught:
        await client.chats.attach("big.txt", b"a" * 2_000_000)
    assert "MB" in caught.value.problem.message


@on_loop
async def test_what_goes_wrong_with_a_model_is_told_in_the_message(
    client: Client, here: World
) -> None:
    for model, kind, state in (("401", "wrong_key", "failed"), ("cut", "cut", "interrupted")):
        answer = await here.answered(await client.chats.send(None, "Ask", model=model))
        assert answer.state == state and answer.error is not None
        assert answer.error.kind == kind and answer.error.title and answer.error.remedy
        assert "sk-test" not in str(answer)
    limited = await here.answered(await client.chats.send(None, "Ask", model="429"))
    assert limited.error is not None and limited.error.retry_at is not None
    assert limited.error.retry_at.tzinfo is not None


async def _texts(client: Client, after: int | None, count: int) -> list[Event]:
    events = client.events(after)
    found: list[Event] = []
    async for event in events:
        found.append(event)
        if len(found) == count:
            break
    await close(events)
    return found


@on_loop
async def test_events_can_be_resumed_and_several_may_listen(client: Client, here: World) -> None:
    first, second = client.events(), client.events()
    chat = await client.chats.create("A")
    await client.chats.rename(chat.id, "B")
    await client.chats.rename(chat.id, "C")
    heard = [[await anext(events) for _ in range(3)] for events in (first, second)]
    assert heard[0] == heard[1]
    await close(first)
    await close(second)
    titles = [event.chat.title for event in heard[0] if isinstance(event, ChatChanged)]
    assert titles == ["A", "B", "C"]
    assert await _texts(client, heard[0][0].seq, 2) == heard[0][1:]
    waiting = asyncio.ensure_future(_texts(client, heard[0][2].seq, 1))
    await asyncio.sleep(0)
    await client.chats.rename(chat.id, "D")
    (later,) = await waiting
    assert isinstance(later, ChatChanged) and later.chat.title == "D"


@on_loop
async def test_stream_that_was_closed_ends(client: Client, here: World) -> None:
    events = client.events()
    await close(events)
    with pytest.raises(StopAsyncIteration):
        await anext(events)


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_title_comes_by_itself(kind: Kind, tmp_path: Path) -> None:
    async def test(here: World) -> None:
        events = here.client.events()
        sent = await here.client.chats.send(None, "Where is the harbour?")
        assert sent.chat.title == "Where is the harbour?" and sent.chat.titled_by == ""
        async for event in events:
            if isinstance(event, RunChanged) and event.run.kind == "title":
                assert event.run.chat == sent.chat.id
                if event.run.state == "SUCCESS":
                    break
        await close(events)
        chat = await here.client.chats.get(sent.chat.id)
        assert chat.titled_by == "model" and chat.title

    with world(kind, tmp_path / "nagatha", titles=True) as made:
        made.run(test)
