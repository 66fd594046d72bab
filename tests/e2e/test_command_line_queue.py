"""`nagatha ask` where a background worker answers, where none is left, and with kept answers."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.command import Nagatha
from tests.support.engines import becomes, engine_in
from tests.support.model_server import ANSWER, Behaviour, ModelServer
from tests.support.others import other_on
from tests.support.processes import kill
from tests.support.worlds import World

LONG = "Tell me all about it. " * 30


def test_a_long_question_is_answered_by_the_worker_of_another_process(tmp_path: Path) -> None:
    with ModelServer() as models, engine_in(tmp_path, models=models, background=True) as there:
        nagatha = Nagatha.on(tmp_path)  # no key: it could not ask by itself
        document: Any = nagatha.json("ask", LONG)
        assert (document["lane"], document["text"], document["cached"]) == ("queued", ANSWER, None)
        ran = nagatha.run("ask", "Short", "--queue", "--type", "code")
        assert (ran.code, ran.out) == (0, ANSWER)
        assert "waits in the queue" in ran.err

        async def runs(there: World) -> list[tuple[str, str]]:
            return [(run.name, run.source) for run in await there.client.jobs.list_runs()]

        assert there.run(runs) == [
            ("process_code_analysis_task", "cli"),
            ("process_ai_query_task", "cli"),
        ]
        assert len(models.completions) == 2


def test_a_question_is_answered_here_when_it_is_wished_or_nobody_works(tmp_path: Path) -> None:
    with ModelServer() as models:
        nagatha = Nagatha.on(tmp_path, models)
        alone: Any = nagatha.json("ask", LONG)
        assert (alone["lane"], alone["text"]) == ("now", ANSWER)
        assert alone["cached"] is None
        ran = nagatha.run("ask", LONG, "--no-queue")
        assert ran.out == ANSWER and "answered before" in ran.err
        assert len(models.completions) == 1


def test_an_answer_whose_worker_was_killed_is_written_by_the_command_that_waits_for_it(
    tmp_path: Path,
) -> None:
    with ModelServer() as models, other_on(tmp_path, models) as other:
        models.queue(Behaviour(text="one two three ", pause_after=2), Behaviour(text="and the end"))
        nagatha = Nagatha.on(tmp_path, models)
        command = nagatha.command("ask", LONG, "--json")
        with subprocess.Popen(
            command, env=nagatha.environ, stdout=subprocess.PIPE, text=True
        ) as asking:
            try:

                async def two_words() -> None:
                    async def there() -> bool:
                        text: str = await other.do("last_text(client)")
                        return text == "one two "

                    await becomes(there, "the first words")

                asyncio.run(two_words())
                kill(other.process)  # type: ignore[arg-type]
                out, _ = asking.communicate(timeout=60)
            finally:
                asking.kill()
        document = json.loads(out)
        assert (document["state"], document["text"]) == ("complete", "one two and the end")
