"""Answers through the whole engine against the raw `openai` client, on the same local server.

The engine is a real one: its database on disk, the worker and Beat beside it, a subscriber of its
events as a window is one. Both clients are asked in turns on the same loop, the model server runs
in a process of its own.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import AsyncOpenAI

from nagatha_desktop.client.local import LocalClient
from tests.bench.figure import Figure
from worker.background import CeleryBackground
from worker.contract.events import AnswerDelta, MessageChanged
from worker.engine import Engine
from worker.paths import Paths
from worker.runtime import Runtime

NAME = "Answers"
ROOT = Path(__file__).parents[2]
KEY = "sk-bench-0123456789"
PROMPT = "Tell me everything."


def measure(quick: bool) -> list[Figure]:
    """First token and tokens a second, both against the raw client."""
    rounds, floods = (10, 2) if quick else (30, 5)
    with (
        tempfile.TemporaryDirectory(prefix="bench-answers-") as folder,
        _model_server() as url,
        Runtime() as runtime,
    ):
        return runtime.run(_measure(Path(folder), url, runtime, rounds, floods), 600)


@contextmanager
def _model_server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.support.model_server", "--until-eof"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


async def _measure(
    folder: Path, url: str, runtime: Runtime, rounds: int, floods: int
) -> list[Figure]:
    environ = {
        "NAGATHA_HOME": str(folder),
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": url,
        "OPENAI_MODEL": "fast",
        "NAGATHA_CHAT_AUTOMATIC_TITLES": "false",
        "NAGATHA_CHAT_REUSE_ANSWERS": "false",  # the same question is asked again and again
    }
    paths = Paths.find(environ)
    raw = AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0)
    async with Engine(paths, runtime, "desktop", environ=environ, cwd=folder) as engine:
        await engine.plug(CeleryBackground(engine, paths.queue, work=True))
        client = LocalClient(engine)
        # Both have asked once: connections are open, libraries loaded.
        await _raw(raw, "fast")
        await _engine(client, "fast")
        bare, ours = [], []
        for _ in range(rounds):
            bare.append((await _raw(raw, "fast"))[0])
            ours.append((await _engine(client, "fast"))[0])
        rates = {}
        for model in ("long", "flood"):
            pairs = [(await _raw(raw, model), await _engine(client, model)) for _ in range(floods)]
            rates[model] = (
                statistics.median(1 / one[1] for one, _ in pairs),
                statistics.median(1 / two[1] for _, two in pairs),
                statistics.median(one[1] / two[1] for one, two in pairs),
            )
    await raw.close()
    late = (statistics.median(ours) - statistics.median(bare)) * 1000
    figures = [
        Figure(
            "First token after the raw client p50",
            late,
            "ms",
            50,
            note=f"raw {statistics.median(bare) * 1000:.1f} ms, "
            f"engine {statistics.median(ours) * 1000:.1f} ms, {rounds} each",
        )
    ]
    for model, tokens in (("long", 20_000), ("flood", 10_000)):
        theirs, mine, ratio = rates[model]
        what = "as fast as it can" if model == "long" else "10,000 tokens/s"
        note = f"{mine * tokens:,.0f} against {theirs * tokens:,.0f} tokens/s"
        figures.append(
            Figure(f"Tokens/s / raw, server {what}", ratio, "x", 0.9, at_most=False, note=note)
        )
    return figures


async def _raw(client: AsyncOpenAI, model: str) -> tuple[float, float]:
    """Seconds to the first token and to the last."""
    began = time.perf_counter()
    first = 0.0
    stream = await client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": PROMPT}],
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        if not first and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter() - began
    return first, time.perf_counter() - began


async def _engine(client: LocalClient, model: str) -> tuple[float, float]:
    """The same from `send` to the events that a window gets."""
    events = client.events()
    began = time.perf_counter()
    first = 0.0
    sent = await client.chats.send(None, PROMPT, provider="openai", model=model)
    async for event in events:
        if isinstance(event, AnswerDelta) and event.message == sent.answer.id:
            first = first or time.perf_counter() - began
        elif isinstance(event, MessageChanged) and event.message.id == sent.answer.id:
            if event.message.state == "streaming":
                continue
            assert event.message.state == "complete", event.message.error
            break
    return first, time.perf_counter() - began
