"""The model server of the tests, as a process of its own and with what tests do to it."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server import ANSWER, Behaviour, ModelServer


def post(url: str, model: str, key: str = "", **body: Any) -> dict[str, Any]:
    data = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}], **body})
    request = urllib.request.Request(
        f"{url}/chat/completions",
        data.encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, Any] = json.load(response)
        return found


def said(answer: dict[str, Any]) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


def test_as_a_process_with_a_script_then_it_behaves_as_written(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(
        json.dumps(
            {
                "models": {"mine": {"like": "fast", "text": "Mine."}},
                "queue": ["title", {"text": "Queued."}],
                "keys": ["sk-right"],
            }
        )
    )
    command = [sys.executable, "-m", "tests.support.model_server", "--until-eof"]
    with subprocess.Popen(
        [*command, "--script", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert said(post(url, "mine", "sk-right")) == '"A title of its own."'
        assert said(post(url, "mine", "sk-right")) == "Queued."
        assert said(post(url, "mine", "sk-right")) == "Mine."
        with pytest.raises(urllib.error.HTTPError, match="401") as raised:
            post(url, "mine", "sk-wrong")
        raised.value.close()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_pause_then_it_lasts_until_it_is_released() -> None:
    with ModelServer() as server:
        lines: list[bytes] = []
        paused = threading.Event()

        def read() -> None:
            data = json.dumps({"model": "pause", "stream": True, "messages": []}).encode()
            with urllib.request.urlopen(f"{server.url}/chat/completions", data, 10) as response:
                for line in response:
                    lines.append(line)
                    if sum(b"content" in one for one in lines) == 5:
                        paused.set()

        thread = threading.Thread(target=read)
        thread.start()
        assert paused.wait(60)
        assert not any(b"[DONE]" in line for line in lines)
        server.release()
        thread.join(60)
        assert lines[-2] == b"data: [DONE]\n"


def test_requests_then_they_are_recorded_and_queues_come_first() -> None:
    with ModelServer(behaviours={"own": Behaviour(text="Own.")}) as server:
        server.queue("length", Behaviour(text="Twice."))
        assert post(server.url, "own")["choices"][0]["finish_reason"] == "length"
        assert said(post(server.url, "own")) == "Twice."
        assert said(post(server.url, "own")) == "Own."
        server.queue("length")
        server.clear()
        assert said(post(server.url, "fast", temperature=0.5)) == ANSWER
        asked = server.wait_for(4)[-1]
        assert asked.body["temperature"] == 0.5
        assert asked.messages == [{"role": "user", "content": "Hi"}]
        with pytest.raises(TimeoutError, match="4 of 5"):
            server.wait_for(5, deadline=0.02)


def test_a_port_that_is_taken_then_it_says_so() -> None:
    with (
        ModelServer() as server,
        pytest.raises(OSError, match="in use"),
        ModelServer(port=server.port),
    ):
        pass
