"""Lists of models of servers on this machine, over HTTP."""

import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.answers import run
from tests.support.model_server import ModelServer
from worker.contract.addresses import is_local
from worker.contract.errors import ModelError
from worker.contract.system import ModelInfo
from worker.providers.catalogue import (
    LM_STUDIO,
    OLLAMA,
    OPENAI,
    PRESETS,
    chats,
    sees_images,
)
from worker.providers.discover import LOCAL_PRESETS, discover
from worker.providers.openai_compatible import OpenAICompatible


def listed(server: ModelServer) -> list[ModelInfo]:
    async def work() -> list[ModelInfo]:
        one = OpenAICompatible("local", "Local", server.url)
        try:
            return list(await one.models())
        finally:
            await one.aclose()

    return run(work())


def test_models_of_ollama_then_each_is_asked_what_it_can() -> None:
    with ModelServer(models=[{"id": "tiny:1b"}, {"id": "b"}]) as server:
        assert listed(server) == [
            ModelInfo("b", "local", "b", 16384, True),
            ModelInfo("tiny:1b", "local", "tiny:1b", 16384, True),
        ]


def test_models_of_ollama_that_only_embed_then_they_are_left_out() -> None:
    pages: dict[str, object] = {"/api/show": {"capabilities": ["embedding"]}}
    with ModelServer(models=[{"id": "odd"}], pages=pages) as server:
        assert listed(server) == []


def test_models_of_lm_studio_then_its_own_list_fills_in() -> None:
    own = [
        {"id": "a", "type": "vlm", "max_context_length": 8192, "loaded_context_length": 4096},
        {"id": "b", "type": "llm", "max_context_length": 8192},
        {"id": "c", "type": "embeddings"},
        {"id": "unknown", "type": "llm"},
        "odd",
    ]
    pages: dict[str, object] = {"/api/v0/models": {"data": own}}
    with ModelServer(models=[{"id": n} for n in "abcd"], pages=pages) as server:
        assert listed(server) == [
            ModelInfo("a", "local", "a", 4096, True),
            ModelInfo("b", "local", "b", 8192, False),
            ModelInfo("d", "local", "d"),
        ]


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ([{"id": "a"}], ["a"]),
        ({"models": [{"name": "a"}]}, ["a"]),
        ({"data": []}, []),
        ({"data": ["x", None, {"id": 5}]}, []),
        ({"data": [{"id": "a", "context_length": True, "architecture": {}}]}, ["a"]),
    ],
)
def test_lists_of_odd_shape_then_what_can_be_read_is_read(page: Any, names: list[str]) -> None:
    with ModelServer(ollama=False, pages={"/v1/models": page}) as server:
        assert [info.id for info in listed(server)] == names


@pytest.mark.parametrize("page", ["text", {"object": "list"}, 5, None])
def test_something_that_is_no_list_then_it_says_so(page: object) -> None:
    with ModelServer(ollama=False, pages={"/v1/models": page}) as server:
        with pytest.raises(ModelError) as raised:
            listed(server)
        assert raised.value.kind == "not_a_stream"
        assert "list" in raised.value.problem.message


# discovery -----------------------------------------------------------------------------------


def test_discover_servers_on_this_machine_then_each_comes_with_a_model() -> None:
    with (
        ModelServer(models=[{"id": "nomic-embed-text"}, {"id": "llama3"}]) as ollama,
        ModelServer(models=[{"id": "qwen"}], ollama=False) as studio,
    ):
        presets = (
            replace(OLLAMA, base_url=ollama.url),
            replace(LM_STUDIO, base_url=studio.url),
        )
        found = run(discover(presets, patience=30))
        assert [(p.id, p.name, p.model, p.base_url) for p in found] == [
            ("ollama", "Ollama", "llama3", ollama.url),
            ("lmstudio", "LM Studio", "qwen", studio.url),
        ]
        assert all(p.local and p.key == "not_needed" for p in found)
        assert ollama.requests[-1].path == "/api/tags"


@pytest.mark.parametrize("pages", [{"/api/tags": "odd"}, {"/api/tags": {"models": 5}}, {}])
def test_discover_something_else_on_the_port_then_it_is_left_out(
    pages: Mapping[str, object],
) -> None:
    with ModelServer(ollama=False, pages=pages) as server:
        assert run(discover((replace(OLLAMA, base_url=server.url),))) == ()


def test_discover_nothing_then_nothing_is_found() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        preset = replace(OLLAMA, base_url=f"http://127.0.0.1:{one.getsockname()[1]}/v1")
    assert run(discover((preset,))) == ()


def test_discover_a_server_that_is_mute_then_it_is_given_up() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        preset = replace(OLLAMA, base_url=f"http://127.0.0.1:{one.getsockname()[1]}/v1")
        began = time.monotonic()
        assert run(discover((preset,), patience=0.2)) == ()
        assert time.monotonic() - began >= 0.2  # it did wait


def test_local_presets_then_they_are_on_the_loopback_only() -> None:
    assert all(is_local(p.base_url) and p.local for p in LOCAL_PRESETS)
    assert [p.id for p in PRESETS if not p.local] == ["openai", "gemini", "openrouter"]
    assert all(p.base_url.startswith("https://") and p.key_page for p in PRESETS if not p.local)


# names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:1234/v1", True),
        ("http://127.3.2.1", True),
        (OPENAI.base_url, False),
        ("http://192.168.1.5:11434", False),
        ("http://localhost.example.com", False),
        ("http://[bad", False),
        ("", False),
    ],
)
def test_is_local_an_address_then_only_this_machine_counts(address: str, local: bool) -> None:
    assert is_local(address) is local


@pytest.mark.parametrize(
    ("model", "sees"),
    [
        ("gpt-4o-mini", True),
        ("gpt-5-nano", True),
        ("openai/o3", True),
        ("o3-mini", False),
        ("models/gemini-2.5-flash", True),
        ("anthropic/claude-sonnet-4.5", True),
        ("llava:13b", True),
        ("llama3.2-vision:11b", True),
        ("qwen2.5-vl-7b", True),
        ("gemma3:4b", True),
        ("gemma3:1b", False),
        ("gpt-3.5-turbo", False),
        ("gpt-4", False),
        ("deepseek-r1:8b", False),
        ("text-embedding-3-large", False),
        ("my-own-model", None),
        ("llama3.1", None),
    ],
)
def test_sees_images_by_name_then_only_known_families_are_known(
    model: str, sees: bool | None
) -> None:
    assert sees_images(model) is sees


@pytest.mark.parametrize(
    ("model", "can"),
    [
        ("gpt-4o", True),
        ("gpt-4o-transcribe", False),
        ("gpt-4o-realtime-preview", False),
        ("whisper-1", False),
        ("dall-e-3", False),
        ("bge-m3", False),
        ("llama3", True),
        ("davinci-002", False),
    ],
)
def test_chats_by_name_then_models_for_other_things_are_left_out(model: str, can: bool) -> None:
    assert chats(model) is can
