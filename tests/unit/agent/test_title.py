import pytest

from tests.support.agents import Scripted
from tests.support.answers import run
from tests.support.model_server import ModelServer
from worker.agent.loop import Parameters
from worker.agent.title import LONGEST, Title, clean_title, find_title, first_words
from worker.contract.errors import ModelError
from worker.providers.base import Finished, TextDelta
from worker.providers.builtin import BuiltinProvider
from worker.providers.openai_compatible import OpenAICompatible


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('"A title of its own."', "A title of its own"),
        ("Title: Weather in Berlin", "Weather in Berlin"),
        ("„Titel: Wetter“", "Wetter"),
        ("**Bold** title", "Bold title"),
        ("# Heading\n\nmore", "Heading"),
        ("\n\n  Second line  \n", "Second line"),
        ("<think>\nhm\n</think>\nPlants", "Plants"),
        ("<think>never ends", ""),
        ("Wait…", "Wait…"),
        ("a\u202eb\x00c", "a b c"),
        ("half \ud83d", "half \ufffd"),
        ("", ""),
        ("***", ""),
        ("「猫の話」", "猫の話"),
        ("word " * 40, "word " * 10 + "word…"),
        ("x" * 100, "x" * (LONGEST - 1) + "…"),
    ],
)
def test_clean_what_a_model_says_then_a_title_is_left(text: str, title: str) -> None:
    assert clean_title(text) == title
    assert len(clean_title(text)) <= LONGEST


def test_first_words_of_a_question_then_they_are_a_title() -> None:
    assert first_words("## How do\nI bake *bread*?") == "How do I bake *bread*?"
    assert first_words("  ") == ""
    assert len(first_words("word " * 100)) <= LONGEST


def _find(provider: object, model: str = "title") -> Title:
    async def work() -> Title:
        return await find_title(provider, Parameters(model), "How do I bake?", "Like so.")  # type: ignore[arg-type]

    return run(work())


def test_find_a_title_over_http_then_it_is_clean_and_its_usage_known() -> None:
    with ModelServer() as server:

        async def work() -> Title:
            provider = OpenAICompatible("test", "Test", server.url)
            try:
                return await find_title(provider, Parameters("title", max_tokens=5), "Q", "A")
            finally:
                await provider.aclose()

        found = run(work())
        assert (found.text, found.from_model, found.model) == ("A title of its own", True, "title")
        assert found.usage is not None
        assert found.usage.output == 5
        body = server.completions[0].body
        assert "Question:\nQ\n\nAnswer:\nA" in body["messages"][0]["content"]
        assert "tools" not in body


def test_find_a_title_that_is_no_use_then_the_first_words_are_taken() -> None:
    found = _find(Scripted([TextDelta('""'), Finished("stop", None, "m")]))
    assert (found.text, found.from_model) == ("How do I bake?", False)
    assert found.usage is not None
    assert found.usage.estimated


def test_find_a_title_of_a_model_that_does_not_stop_then_it_is_not_listened_to() -> None:
    endless = [TextDelta("word " * 20)] * 1000
    found = _find(Scripted(endless))
    assert found.from_model
    assert len(found.text) <= LONGEST


def test_find_a_title_without_a_model_then_none_is_asked() -> None:
    assert _find(BuiltinProvider()) == Title("How do I bake?", from_model=False)


def test_find_a_title_when_the_model_fails_then_that_comes_out() -> None:
    with pytest.raises(ModelError):
        _find(Scripted(ModelError("Gone")))
