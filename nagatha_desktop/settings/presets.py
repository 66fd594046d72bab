"""The model servers that are offered by name, and whose key a key looks like.

Owns what the forms are filled in with. The same addresses stand in the engine's own list, from
which windows may not import; a test compares the two.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """A well-known server, as a form needs it."""

    id: str
    """The same as the provider's id once it is saved."""
    name: str
    base_url: str
    local: bool = False
    """True where no key is needed."""
    key_page: str = ""
    """Where a person gets a key."""
    model: str = ""
    """The model to begin with; "" where the server's own list decides."""
    prefixes: tuple[str, ...] = ()
    """What its keys begin with."""


PRESETS: tuple[Preset, ...] = (
    Preset(
        "openai",
        "OpenAI",
        "https://api.openai.com/v1",
        key_page="https://platform.openai.com/api-keys",
        model="gpt-4o-mini",
        prefixes=("sk-",),
    ),
    Preset(
        "gemini",
        "Gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        key_page="https://aistudio.google.com/apikey",
        model="gemini-2.5-flash",
        prefixes=("AIza",),
    ),
    Preset(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        key_page="https://openrouter.ai/settings/keys",
        model="openrouter/auto",
        prefixes=("sk-or-",),
    ),
    Preset("ollama", "Ollama", "http://127.0.0.1:11434/v1", local=True),
    Preset("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", local=True),
)


def preset(name: str) -> Preset | None:
    """The preset with the id `name`."""
    return next((found for found in PRESETS if found.id == name), None)


def guess(key: str) -> Preset | None:
    """Whose key `key` looks like; None where its beginning does not tell."""
    key = key.strip()
    fitting = [
        (len(prefix), number, found)
        for number, found in enumerate(PRESETS)
        for prefix in found.prefixes
        if key.startswith(prefix)
    ]
    return max(fitting, key=lambda fit: fit[:2])[2] if fitting else None
