"""Reading the configuration: who wins, and what happens to what is wrong."""

import json
from pathlib import Path

import pytest

from worker.config import KEYS, Loaded, Settings, describe, load
from worker.config.layers import VARIABLES
from worker.contract.addresses import is_local
from worker.contract.errors import InvalidInput
from worker.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths.under(tmp_path / "data")
    made.make()
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def _load(
    paths: Paths, project: Path, own: str = "", near: str = "", strict: bool = True, **env: str
) -> Loaded:
    if own:
        paths.config.write_text(own)
    if near:
        (project / "nagatha.yaml").write_text(near)
    return load(paths, env, project, strict=strict)


def test_nothing_set_gives_the_defaults(paths: Paths, project: Path) -> None:
    loaded = _load(paths, project)
    assert loaded.settings == Settings.of()
    assert loaded.settings.models.temperature == 0.7
    assert loaded.settings.models.max_tokens == 2000
    assert set(loaded.sources.values()) == {"default"}
    assert loaded.problems == ()
    assert loaded.providers == ()


def test_environment_wins_over_project_over_file_over_default(paths: Paths, project: Path) -> None:
    own = "models: {temperature: 0.1, max_tokens: 10, connect_timeout: 3}"
    loaded = _load(
        paths, project, own, "models: {temperature: 0.2, max_tokens: 20}",
        NAGATHA_MODELS_TEMPERATURE="0.3",
    )  # fmt: skip
    models = loaded.settings.models
    assert (models.temperature, models.max_tokens, models.connect_timeout) == (0.3, 20, 3)
    assert models.chunk_timeout == Settings.of().models.chunk_timeout
    keys = ("temperature", "max_tokens", "connect_timeout", "chunk_timeout")
    told = [loaded.sources[f"models.{key}"] for key in keys]
    assert told == ["environment", "project", "file", "default"]


def test_every_setting_has_a_variable(paths: Paths, project: Path) -> None:
    assert {VARIABLES[f"NAGATHA_{key.replace('.', '_').upper()}"] for key in KEYS} == set(KEYS)
    loaded = _load(
        paths, project,
        NAGATHA_CELERY_BROKER_URL="redis://localhost:6379/5", NAGATHA_API_PORT="9000",
        NAGATHA_DATABASE_URL="sqlite:////tmp/x.db", NAGATHA_CHAT_AUTOMATIC_TITLES="off",
        NAGATHA_MODULES_ENABLED="mine, other", NAGATHA_LOGGING_COMPONENTS="worker.agent=debug",
        NAGATHA_TEST_ANYTHING="1", NAGATHA_HOME="/elsewhere", NAGATHA_API_HOST="",
        NAGATHA_DATA_KEEP_RUNS_DAYS="",
    )  # fmt: skip
    settings = loaded.settings
    assert settings.celery.broker_url == "redis://localhost:6379/5"
    assert settings.api.port == 9000
    assert settings.storage.database_url == "sqlite:////tmp/x.db"
    assert settings.chat.automatic_titles is False
    assert settings.modules.enabled == ("mine", "other")
    assert settings.logging.components == {"worker.agent": "DEBUG"}
    assert loaded.sources["data.keep_runs_days"] == "default"


def test_published_variables_count_and_our_own_come_first(paths: Paths, project: Path) -> None:
    loaded = _load(
        paths, project, "celery: {broker_url: 'redis://file:1/0'}",
        CELERY_BROKER_URL="amqp://rabbit:5672//", CELERY_RESULT_BACKEND="redis://results:6379/0",
        OPENAI_TEMPERATURE="0.2", OPENAI_MAX_TOKENS="99", LOG_LEVEL="warn",
        NAGATHA_MODELS_MAX_TOKENS="100",
    )  # fmt: skip
    assert loaded.settings.celery.broker_url == "amqp://rabbit:5672//"
    assert loaded.settings.celery.result_backend == "redis://results:6379/0"
    assert loaded.settings.models.temperature == 0.2
    assert loaded.settings.models.max_tokens == 100
    assert loaded.settings.logging.level == "WARNING"


def test_a_published_variable_that_another_program_means_costs_only_itself(
    paths: Paths, project: Path
) -> None:
    loaded = _load(
        paths, project, LOG_LEVEL="trace", OPENAI_TEMPERATURE="hot", REDIS_PORT="tcp://x"
    )
    assert loaded.settings == Settings.of()
    assert [p.message.split(":")[0] for p in loaded.problems] == [
        "OPENAI_TEMPERATURE", "LOG_LEVEL", "REDIS_PORT is no number."
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("env", "own", "broker", "results"),
    [
        ({"REDIS_HOST": "r"}, "", "redis://r:6379/0", "redis://r:6379/0"),
        ({"REDIS_PORT": "7"}, "", "redis://localhost:7/0", "redis://localhost:7/0"),
        ({"REDIS_HOST": "::1"}, "", "redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ({"REDIS_HOST": "r"}, "celery: {broker_url: 'amqp://q//'}", "amqp://q//", "redis://r:6379/0"),
        (
            {"REDIS_HOST": "r", "CELERY_BROKER_URL": "amqp://e//"}, "",
            "amqp://e//", "redis://r:6379/0",
        ),
    ],
)  # fmt: skip
def test_redis_host_and_port_fill_what_nothing_else_names(
    paths: Paths, project: Path, env: dict[str, str], own: str, broker: str, results: str
) -> None:
    celery = _load(paths, project, own, strict=True, **env).settings.celery
    assert (celery.broker_url, celery.result_backend) == (broker, results)


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("NAGATHA_API_PROT", "Did you mean NAGATHA_API_PORT?"),
        ("NAGATHA_MODELS_TEMPRATURE", "Did you mean NAGATHA_MODELS_TEMPERATURE?"),
        ("NAGATHA_QQQQQQQQQQQQQQQQ", "Known are NAGATHA_AGENT_MAX_ROUNDS, "),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_the_nearest(
    paths: Paths, project: Path, variable: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        _load(paths, project, strict=True, **{variable: "1"})
    assert variable in caught.value.problem.message
    assert hint in caught.value.problem.remedy


def test_a_wrong_variable_is_an_error_without_its_value(paths: Paths, project: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        _load(
            paths, project,
            NAGATHA_CELERY_BROKER_URL="hunter2-no-address", NAGATHA_API_PORT="70000",
        )  # fmt: skip
    assert "NAGATHA_API_PORT: it should be less than or equal to 65535" in str(caught.value)
    assert "(1 more like this)" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_key_in_the_project_is_an_error_with_its_line(
    paths: Paths, project: Path
) -> None:
    with pytest.raises(InvalidInput) as caught:
        _load(paths, project, near="models:\n  max_tokens: 5\n  temprature: 1\n")
    assert "nagatha.yaml, line 3: models.temprature is not known." in str(caught.value)
    assert "Did you mean models.temperature?" in str(caught.value)


def test_not_strict_the_program_starts_and_tells(paths: Paths, project: Path) -> None:
    near = "models: {temprature: 1, max_tokens: 5}"
    loaded = _load(paths, project, near=near, strict=False, NAGATHA_API_PROT="1")
    assert loaded.settings.models.max_tokens == 5
    assert len(loaded.problems) == 2
    assert {problem.action for problem in loaded.problems} == {"settings"}


@pytest.mark.parametrize(
    ("own", "words", "hint"),
    [
        ("modells: {temperature: 1}", "line 1: modells is not known", "Did you mean models?"),
        ("zzz: 1", "line 1: zzz is not known", "Known are models, agent"),
        ("agent:\n  temperature: 1", "line 2: agent.temperature is not", "models.temperature?"),
        ("models: {zzzz: 1}", "models.zzzz is not known", "nagatha config"),
        ("models: 5", "line 1: models has no names in it", ""),
        ("models:\n  temperature: 3", "line 2: models.temperature: it should be less", "default"),
        ("models: {temperature: true}", "a number is expected", ""),
        ("models: {temperature: .inf}", "it should be a finite number", ""),
        ("models: {max_tokens: 4.5}", "it should be a valid integer", ""),
        ("celery: {broker_url: localhost}", "an address such as redis://", ""),
        ("logging: {components: worker}", "pairs such as", ""),
        ("logging: {level: loud}", "'DEBUG', 'INFO'", ""),
        ("api: {host: 0.0.0.0}", "127.0.0.1", ""),
        ("models: {max_tokens: 1, max_tokens: 2}", "models.max_tokens stands there twice", ""),
        ("providers: {id: x}", "providers is no list", ""),
        ("providers: [{id: x, base_url: ftp://x}]", "base_url: an address such as https", ""),
        ("providers: [{id: x, base_url: http://x, proxy: x}]", "proxy: an address", ""),
        ("providers: [{id: X!, base_url: http://x}]", "id: string should match", ""),
        ("providers: [{id: builtin, base_url: http://x}]", "the id builtin is taken", ""),
        ("providers: [{id: x, base_url: http://x, modle: y}]", "modle is not", "model?"),
        ("providers: [5]", "it should be", ""),
        ("celery: {broker_url: 'foo://bar'}", "redis://, rediss://, amqp://", "The default is"),
        ("celery: {broker_url: 'sqs://me:sk-1@q'}", "nagatha+file://", "The default is"),
        ("providers: [{id: x, base_url: http://x, api_key: sk-1}]", "api_key is not", "not kept"),
    ],
)
def test_what_is_wrong_in_the_file_costs_itself_and_is_told_and_kept_aside(
    paths: Paths, project: Path, own: str, words: str, hint: str
) -> None:
    loaded = _load(paths, project, own)
    assert loaded.settings.models.temperature == 0.7
    (problem,) = loaded.problems
    assert words in problem.message
    assert hint in problem.remedy
    assert "sk-1" not in repr(problem)
    assert paths.config.read_text() == own
    assert loaded.kept_aside is not None
    assert loaded.kept_aside.read_text() == own
    assert loaded.kept_aside.name in problem.message


def test_a_wrong_value_does_not_cost_its_neighbours(paths: Paths, project: Path) -> None:
    loaded = _load(paths, project, "models:\n  temperature: 9\n  max_tokens: 5\napi: {port: 99}\n")
    assert loaded.settings.models.max_tokens == 5
    assert loaded.settings.api.port == 99


@pytest.mark.parametrize(
    "own",
    [
        b"models: [", b"\xff\xfe\x00\xd8", b"- a\n- b", b"a: !!python/object:os.system x",
        b"models: {a: 2026-99-99}", b"just words", b"a: 'sk-secret", b"? {a: b}\n: c\n",
        b"[" * 3000,
    ],
)  # fmt: skip
def test_a_broken_file_is_told_kept_aside_and_left_alone(
    paths: Paths, project: Path, own: bytes
) -> None:
    paths.config.write_bytes(own)
    loaded = load(paths, {}, project)
    assert loaded.settings == Settings.of()
    (problem,) = loaded.problems
    assert problem.title == "The settings cannot be read"
    assert "sk-secret" not in repr(problem)
    assert loaded.kept_aside is not None and loaded.kept_aside.read_bytes() == own
    assert paths.config.read_bytes() == own


def test_the_same_wrong_file_is_kept_aside_once(paths: Paths, project: Path) -> None:
    first = _load(paths, project, "models: [")
    again = load(paths, {}, project)
    assert first.kept_aside == again.kept_aside
    other = _load(paths, project, "models: [[")
    assert other.kept_aside != first.kept_aside
    assert len(list(paths.home.glob("config.yaml.wrong-*"))) == 2


def test_a_file_that_cannot_be_opened_is_told(paths: Paths, project: Path) -> None:
    paths.config.mkdir()
    loaded = load(paths, {}, project)
    assert loaded.settings == Settings.of()
    assert "directory" in loaded.problems[0].message
    assert loaded.kept_aside is None


@pytest.mark.parametrize("own", ["", "# nothing\n", "models:\n", "models: {temperature: }", "null"])
def test_empty_files_sections_and_values_are_the_defaults(
    paths: Paths, project: Path, own: str
) -> None:
    paths.config.write_text(own)
    loaded = load(paths, {}, project)
    assert loaded.settings == Settings.of()
    assert loaded.problems == ()


def test_providers_of_the_file_are_read_in_order(paths: Paths, project: Path) -> None:
    own = """
providers:
- {id: ollama, name: Ollama, base_url: 'http://127.0.0.1:11434/v1', model: llama}
- {id: away, base_url: 'https://models.example/v1', proxy: 'socks5://proxy:1080'}
"""
    first, second = _load(paths, project, own).providers
    assert (first.id, first.name, first.model, first.local) == ("ollama", "Ollama", "llama", True)
    assert (second.name, second.local, second.proxy) == ("away", False, "socks5://proxy:1080")
    assert {first.source, second.source} == {"settings"}


def test_providers_in_the_project_are_refused_since_they_could_collect_keys(
    paths: Paths, project: Path
) -> None:
    near = "providers: [{id: openai, base_url: 'https://evil.example/v1'}]"
    with pytest.raises(InvalidInput, match="Save them in Settings"):
        _load(paths, project, near=near)
    assert _load(paths, project, strict=False).providers == ()


def test_the_environments_keys_make_providers_that_hide_stored_ones(
    paths: Paths, project: Path
) -> None:
    own = "providers: [{id: openai, base_url: 'http://127.0.0.1:1/v1', proxy: 'http://p:1'}]"
    loaded = _load(
        paths, project, own,
        OPENAI_API_KEY="sk-environment-key", OPENAI_MODEL="big", GEMINI_API_KEY="AIza-env",
    )  # fmt: skip
    openai, gemini = loaded.providers
    assert (openai.id, openai.base_url, openai.model) == (
        "openai",
        "https://api.openai.com/v1",
        "big",
    )
    assert (openai.proxy, openai.source, gemini.source) == ("", "environment", "environment")
    assert gemini.base_url.startswith("https://generativelanguage.googleapis.com/")
    assert loaded.settings.providers[0].base_url == "http://127.0.0.1:1/v1"
    assert "env" not in repr(loaded.providers).replace("environment", "")
    assert "sk-environment-key" not in repr(loaded)
    assert "sk-" not in paths.config.read_text()


def test_openai_base_url_alone_makes_a_provider(paths: Paths, project: Path) -> None:
    (provider,) = _load(
        paths, project, OPENAI_BASE_URL="http://localhost:8080/v1", OPENAI_MODEL="m"
    ).providers
    assert (provider.local, provider.model) == (True, "m")
    loaded = _load(paths, project, OPENAI_BASE_URL="nowhere")
    assert loaded.providers == ()
    assert "OPENAI_BASE_URL" in loaded.problems[0].message


def test_openai_model_alone_chooses_the_stored_providers_model(paths: Paths, project: Path) -> None:
    own = "providers: [{id: openai, base_url: 'http://x/v1', model: a}, {id: b, base_url: 'http://b'}]"
    models = [p.model for p in _load(paths, project, own, OPENAI_MODEL="z").providers]
    assert models == ["z", ""]


def test_the_working_folder_may_be_gone(
    paths: Paths, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    project.rmdir()
    assert load(paths, {}).settings == Settings.of()


def test_describe_gives_a_dialog_all_it_needs(paths: Paths, project: Path) -> None:
    own = "logging: {components: {worker.agent: DEBUG}}\nmodules: {disabled: [echo_bot]}"
    settings = {s.key: s for s in describe(_load(paths, project, own, NAGATHA_API_PORT="99"))}
    assert tuple(settings) == KEYS
    assert all(s.title and s.description.endswith(".") for s in settings.values())
    temperature = settings["models.temperature"]
    assert (temperature.kind, temperature.minimum, temperature.maximum) == ("float", 0, 2)
    assert settings["models.max_tokens"].unit == "tokens"
    assert settings["chat.text_limit"].minimum == 0
    assert settings["data.backup_daily"].kind == "bool"
    assert settings["logging.level"].kind == "choice"
    assert "INFO" in settings["logging.level"].choices
    assert settings["logging.components"].value == "worker.agent=DEBUG"
    assert settings["modules.disabled"].value == "echo_bot"
    assert (settings["api.port"].value, settings["api.port"].source) == (99, "environment")
    assert settings["api.port"].default == 8765
    assert json.dumps([s.value for s in settings.values()])


def test_passwords_in_addresses_are_never_shown(paths: Paths, project: Path) -> None:
    own = "celery: {broker_url: 'redis://me:hunter2@host:6379/0'}"
    loaded = _load(paths, project, own)
    shown = {s.key: s.value for s in describe(loaded)}
    assert shown["celery.broker_url"] == "redis://me:***@host:6379/0"
    assert "hunter2" not in repr(loaded)
    assert loaded.settings.celery.broker_url.endswith("hunter2@host:6379/0")


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:11434/v1", True), ("http://localhost/v1", True),
        ("http://[::1]:8/v1", True), ("http://a.localhost/", True), ("http://127.9.9.9/", True),
        ("https://api.openai.com/v1", False), ("http://127.0.0.1.evil.example/", False),
        ("http://192.168.0.1/", False), ("http://[broken", False), ("", False),
    ],
)  # fmt: skip
def test_local_addresses_are_known(address: str, local: bool) -> None:
    assert is_local(address) is local
