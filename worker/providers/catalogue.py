"""What is known about servers and models without asking: addresses, and who sees images.

Owns the presets that the first start offers and a few rules about model names. It must not know
HTTP. Nothing here is needed for a model to work; it fills in what a server's list leaves out.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Preset:
    """A well-known server."""

    id: str
    name: str
    base_url: str
    local: bool = False
    key_page: str = ""
    """Where a person gets a key; "" where none is needed."""
    model: str = ""
    """A sensible model to begin with; "" where the server's own list decides."""


OPENAI = Preset(
    "openai",
    "OpenAI",
    "https://api.openai.com/v1",
    key_page="https://platform.openai.com/api-keys",
    model="gpt-4o-mini",
)
GEMINI = Preset(
    "gemini",
    "Gemini",
    "https://generativelanguage.googleapis.com/v1beta/openai/",
    key_page="https://aistudio.google.com/apikey",
    model="gemini-2.5-flash",
)
OPENROUTER = Preset(
    "openrouter",
    "OpenRouter",
    "https://openrouter.ai/api/v1",
    key_page="https://openrouter.ai/settings/keys",
    model="openrouter/auto",
)
OLLAMA = Preset("ollama", "Ollama", "http://127.0.0.1:11434/v1", local=True)
LM_STUDIO = Preset("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1", local=True)

PRESETS: tuple[Preset, ...] = (OPENAI, GEMINI, OPENROUTER, OLLAMA, LM_STUDIO)

_SEES = re.compile(
    r"gpt-4o|gpt-4\.1|gpt-4-turbo|gpt-4-vision|gpt-5|chatgpt-4o|(^|/)o[134]($|-(?!mini|preview))"
    r"|o4-mini|gemini|claude-(3|opus|sonnet|haiku)|llava|bakllava|moondream|minicpm-v|pixtral"
    r"|llama-?3\.2.*vision|llama-?4|gemma-?3(?!.*1b)(?!n?-?270m)|qwen.*vl|internvl|[-_/]vision"
    r"|phi-[34].*(vision|multimodal)|mistral-small-?3\.[12]|granite.*vision|molmo|smolvlm",
    re.IGNORECASE,
)
_BLIND = re.compile(
    r"gemma-?3.*(1b|270m)|gpt-3\.5|o1-mini|o3-mini|gpt-4($|-0)|deepseek|codestral|davinci", re.I
)
_NO_CHAT = re.compile(
    r"embed|whisper|tts|dall-e|moderation|transcribe|rerank|gpt-image|imagen|veo-|sora|realtime"
    r"|speech|(^|/)(davinci|babbage)|bge-|audio|lyria|-aqa$|computer-use|turbo-instruct|deep-research",
    re.IGNORECASE,
)


def sees_images(model: str) -> bool | None:
    """Whether the model of this name sees images; None where the name does not tell."""
    if _NO_CHAT.search(model):
        return False
    if _SEES.search(model):
        return True
    return False if _BLIND.search(model) else None


def chats(model: str) -> bool:
    """False for models that, by their name, only embed, speak, draw or listen."""
    return not _NO_CHAT.search(model)


def shown_name(model: str) -> str:
    """A model's id as people read it."""
    return model.removeprefix("models/")


def origin(base_url: str) -> str:
    """Scheme, host and port of an address, without the path."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"
