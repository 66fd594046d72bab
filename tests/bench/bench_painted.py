"""From the key to the eye: the whole program against the raw client, and a long chat opened.

Runs the program's own windows and engine in a process of their own (offscreen), a model server
in another, and the raw openai client against the same server in a third, one after the other.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.figure import Figure

NAME = "painted"
KEY = "sk-bench-0123456789"

RAW = """
import asyncio, json, statistics, sys, time
import openai

async def main(url, rounds):
    client = openai.AsyncOpenAI(base_url=url, api_key="sk-bench", max_retries=0)
    async def ask(model):
        began, first, size = time.perf_counter(), None, 0
        stream = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}], stream=True)
        async for chunk in stream:
            text = chunk.choices[0].delta.content if chunk.choices else None
            if text:
                first = first or time.perf_counter()
                size += len(text)
        return first - began, size / (time.perf_counter() - began)
    await ask("fast")
    firsts = [(await ask("fast"))[0] for _ in range(rounds)]
    rates = [(await ask("long"))[1] for _ in range(3)]
    print(json.dumps({"first": statistics.median(firsts), "rate": statistics.median(rates)}))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def measure(quick: bool) -> list[Figure]:
    """30 questions (5 if `quick`), three long answers, one chat of 10,000 messages."""
    rounds = 5 if quick else 30
    with tempfile.TemporaryDirectory(prefix="ngb-") as name:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.model_server", "--port", "0", "--until-eof"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            raw = _run([sys.executable, "-c", RAW, url, str(rounds)], dict(os.environ))
            env = {
                **os.environ,
                "NAGATHA_HOME": str(Path(name) / "nagatha"),
                "XDG_RUNTIME_DIR": name,
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
                "QT_QPA_PLATFORM": "offscreen",
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": url,
                "OPENAI_MODEL": "fast",
                "NAGATHA_CHAT_AUTOMATIC_TITLES": "false",
                "NAGATHA_CHAT_REUSE_ANSWERS": "false",  # the same question each time
            }
            ours = _run([sys.executable, "-m", "tests.bench.painted_program", str(rounds)], env)
        finally:
            server.kill()
            server.communicate()
    return [
        Figure(
            "first token painted, after the raw client has it",
            (ours["first"] - raw["first"]) * 1000,
            "ms",
            50,
            note=f"p50 of {rounds}: {ours['first'] * 1000:.1f} ms, raw {raw['first'] * 1000:.1f}",
        ),
        Figure(
            "text a second through the whole program, against raw",
            ours["rate"] / raw["rate"],
            "x",
            0.9,
            at_most=False,
            note=f"20,000 tokens at once; kept, told and shown; raw {raw['rate'] / 5:.0f} tokens/s",
        ),
        Figure(
            "10,000-message chat in the database, click to painted",
            ours["open"],
            "s",
            0.5,
            note="median of 5",
        ),
    ]


def _run(command: list[str], env: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-4000:])
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
