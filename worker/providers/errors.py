"""The one edge where what goes wrong at a model server becomes a `ModelError`.

Owns the classification of the SDK's and the HTTP client's exceptions and the words that a
person reads. It must not know the agent. No text that leaves it holds a key: what a server says
is quoted, but redacted first.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2
import openai

from worker.contract.errors import ModelError
from worker.contract.types import Action
from worker.providers.way import Proxy, proxy_of

_QUOTE = 300
"""Characters of a server's own words that are shown."""
_SETTINGS = "Settings › Models and keys"

_KEYS = re.compile(
    r"\bsk-[\w*.…-]{3,}|\bAIza[\w*-]{8,}|(?<=Bearer )\S+|(?<=[?&]key=)[^&\s]+|\S*\*{3,}\S*"
)
_TOO_LONG = re.compile(
    r"context.{0,12}(length|window|size)|maximum context|prompt is too long"
    r"|too many (input )?tokens|token count.{0,40}exceeds"
    r"|exceeds?.{0,40}(context|maximum number of tokens)"
    r"|context the overflows|reduce the length",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model.{0,120}(not found|does not exist|not exist|is not a valid model|not supported for"
    r" generateContent)|not a valid model|no such model|unknown model|invalid model"
    r"|no endpoints found for",
    re.IGNORECASE | re.DOTALL,
)
_NO_IMAGES = re.compile(
    r"(not|n't|no endpoints found that) support.{0,30}(image|vision|multimodal)"
    r"|(image|vision).{0,60}(not supported|not support|unsupported)",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(
    r"insufficient[ _](quota|credit|balance|funds)|billing|credit balance|out of credit"
    r"|payment required",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(
    r"(api[ _-]?key|token|credential).{0,40}(not valid|invalid|incorrect|expired|missing)"
    r"|(invalid|incorrect|missing|no).{0,12}(api[ _-]?key|credential|authentication)"
    r"|unauthorized|unauthenticated",
    re.IGNORECASE,
)
_NO_NAME = re.compile(r"getaddrinfo|Name or service|nodename|name resolution|No address")
_UNREADABLE: Mapping[type[Exception], str] = {
    UnicodeDecodeError: "bytes that are no text",
    json.JSONDecodeError: "text that is no JSON",
}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Call:
    """What was being done when something went wrong; for the words, and for redacting."""

    provider: str
    """The provider's name as people know it."""
    base_url: str
    key: str | None = None
    model: str = ""
    local: bool = False
    own_proxy: bool = False
    """True where the settings of the provider name a proxy."""
    began: bool = False
    """True once a part of the answer has come."""
    connect_timeout: float = 10.0
    chunk_timeout: float = 60.0
    total_timeout: float = 600.0

    @property
    def host(self) -> str:
        """Where the server is, without a name or password."""
        try:
            parts = urlsplit(self.base_url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return "the address"
        return f"{parts.hostname or 'the address'}{port}"


def redact(text: str, key: str | None = None) -> str:
    """`text` without `key` and without anything that looks like one."""
    if key and len(key) >= 4:
        text = text.replace(key, "…")
    return _KEYS.sub("…", text)


def quoted(text: str, key: str | None = None) -> str:
    """A server's words in one line, redacted and cut; "" when there are none to show."""
    plain = "".join(c if c.isprintable() else " " for c in redact(text, key))
    plain = " ".join(plain.split())
    return plain if len(plain) <= _QUOTE else plain[: _QUOTE - 1].rstrip() + "…"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def from_exception(error: Exception, call: Call, now: datetime) -> ModelError:
    """What `error`, raised by the SDK, the HTTP client or by decoding, means to a person.

    `now` is what "in 20 seconds" is counted from.
    """
    if isinstance(error, ModelError):
        return error
    if isinstance(error, openai.APIStatusError):
        return _from_status(error, call, now)
    if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
        cause = error.__cause__ if isinstance(error, openai.APITimeoutError) else error
        connecting = isinstance(cause, httpx2.ConnectTimeout)
        proxy = proxy_of(error) if connecting else None
        if proxy is not None and not proxy.reached:
            why = f"No connection to {proxy.address} within {call.connect_timeout:g} s."
            return _proxy_error("The proxy did not answer", why, call)
        return timed_out(call, connecting=connecting)
    if isinstance(error, openai.APIConnectionError | httpx2.TransportError | httpx2.DecodingError):
        cause = error.__cause__ if isinstance(error, openai.APIConnectionError) else error
        return _from_transport(cause or error, call, proxy_of(error))
    if isinstance(error, openai.APIError):
        return from_body(error.body, call, now, fallback=error.message)
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return bad_address(call)
    return not_a_stream(call, _UNREADABLE.get(type(error), "it cannot be decoded"))


def from_body(body: object, call: Call, now: datetime, *, fallback: str = "") -> ModelError:
    """An error that came as JSON inside a 200 answer."""
    facts = _facts(body)
    status = int(facts.code) if facts.code.isdigit() and len(facts.code) == 3 else 0
    return _classify(status, facts, facts.message or fallback, call, {}, now)


def not_a_stream(call: Call, what: str, text: str = "") -> ModelError:
    """The server answered with something that cannot be read as an answer."""
    if call.began:
        return cut(call, f"{call.provider} sent something that cannot be read ({what}).")
    said = quoted(text, call.key)
    return ModelError(
        f"The answer from {call.provider} cannot be read",
        _sentence(f"It is no event stream ({what})" + (f": {said}" if said else "")),
        f"Check the address in {_SETTINGS}.",
        kind="not_a_stream",
        action="models",
    )


def cut(call: Call, why: str) -> ModelError:
    """The answer broke off."""
    return ModelError(
        "The answer broke off" if call.began else f"{call.provider} broke the connection",
        why,
        "Let it go on from there, or try again." if call.began else "Try again.",
        kind="cut",
        action="continue" if call.began else "retry",
    )


def timed_out(call: Call, *, connecting: bool = False, total: bool = False) -> ModelError:
    """A time limit was reached."""
    if connecting:
        why = f"No connection to {call.host} within {call.connect_timeout:g} s."
    elif total:
        why = f"The answer was not complete after {call.total_timeout:g} s."
    else:
        why = f"Nothing came for {call.chunk_timeout:g} s."
    remedy = "Try again, or allow more time in Settings."
    if call.began:
        remedy = "Let it go on from there, or try again."
    return ModelError(
        f"{call.provider} took too long" if call.began else f"{call.provider} did not answer",
        why,
        remedy,
        kind="timeout",
        action="continue" if call.began else "retry",
    )


def bad_address(call: Call) -> ModelError:
    """The provider's address is no address."""
    return ModelError(
        f"The address of {call.provider} is not valid",
        "It has to begin with http:// or https://, and a port is a number up to 65535.",
        f"Correct it in {_SETTINGS}.",
        kind="no_network",
        action="models",
    )


def bad_proxy(call: Call, why: str) -> ModelError:
    """The proxy cannot be used at all."""
    return _proxy_error("The proxy cannot be used", quoted(why, call.key), call)


def _proxy_error(title: str, why: str, call: Call) -> ModelError:
    remedy = (
        f"Check the proxy in {_SETTINGS}, or leave it empty."
        if call.own_proxy
        else "Check the system's proxy settings (variables such as HTTPS_PROXY), or enter another "
        f"proxy in {_SETTINGS}."
    )
    return ModelError(title, why, remedy, kind="no_network", action="models")


def _wants_login(why: str) -> ModelError:
    """The proxy lets nobody through who does not say who they are."""
    return ModelError(
        "The proxy asks who you are",
        why,
        f"Put its address into the variable HTTPS_PROXY, as http://NAME:SECRET@HOST:PORT, and "
        f"leave the proxy in {_SETTINGS} empty.",
        kind="no_network",
        action="models",
    )


def bad_certificates(call: Call, error: OSError) -> ModelError:
    """What tells whether it is the right server cannot be read."""
    return ModelError(
        f"{call.provider} cannot be reached safely",
        f"The certificates cannot be read: {error.strerror or type(error).__name__}.",
        "Check the variables SSL_CERT_FILE and SSL_CERT_DIR, or remove them.",
        kind="no_network",
        action="retry",
    )


def bad_key(call: Call) -> ModelError:
    """The key cannot even be sent."""
    return ModelError(
        f"The key for {call.provider} is not valid",
        "It holds characters that no key has.",
        f"Paste it again in {_SETTINGS}.",
        kind="wrong_key",
        action="models",
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a server's error says about itself."""

    message: str = ""
    code: str = ""
    type: str = ""
    retry_after: float | None = None
    """Seconds."""


def _facts(body: object) -> _Facts:
    if isinstance(body, list) and body:  # Gemini wraps its errors in a list
        body = body[0]
    if isinstance(body, str):
        return _Facts(message=body)
    if not isinstance(body, Mapping):
        return _Facts()
    inner = body.get("error", body)
    if isinstance(inner, str):
        return _Facts(message=inner)
    if not isinstance(inner, Mapping):
        return _Facts()
    texts = {
        name: "" if (value := inner.get(name)) is None else str(value)
        for name in ("message", "code", "type", "status", "detail")
    }
    return _Facts(
        message=texts["message"] or texts["detail"],
        code=texts["code"],
        type=texts["type"] or texts["status"],
        retry_after=_retry_delay(inner.get("details")),
    )


def _retry_delay(details: object) -> float | None:
    """Gemini's RetryInfo."""
    if isinstance(details, list):
        for detail in details:
            if isinstance(detail, Mapping) and isinstance(detail.get("retryDelay"), str):
                return _seconds(detail["retryDelay"])
    return None


def _from_status(error: openai.APIStatusError, call: Call, now: datetime) -> ModelError:
    body = error.body
    if body is None or isinstance(body, str):
        body = _json(error.response.text) or body
    facts = _facts(body)
    message = facts.message
    if not message and "html" not in error.response.headers.get("content-type", ""):
        message = error.response.text
    return _classify(error.status_code, facts, message, call, error.response.headers, now)


def _json(text: str) -> object:
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return found


def _classify(
    status: int,
    facts: _Facts,
    message: str,
    call: Call,
    headers: Mapping[str, str],
    now: datetime,
) -> ModelError:
    said = quoted(message, call.key)
    name, model = call.provider, call.model or "the model"
    why = _sentence(f"It answered: {said}") if said else f"It answered with error {status}."
    words = f"{facts.code} {facts.type} {message}"

    def made(
        kind: str, action: Action, title: str, remedy: str, at: datetime | None = None
    ) -> ModelError:
        return ModelError(title, why, remedy, kind=kind, action=action, retry_at=at)

    if status == 402 or (status in (0, 400, 403, 429) and _NO_CREDIT.search(words)):
        remedy = "Add credit to your account there, or choose another provider."
        return made("no_credit", "models", f"No credit left at {name}", remedy)
    if status == 429 or facts.type == "RESOURCE_EXHAUSTED":
        at = retry_at(headers, now)
        if at is None and facts.retry_after is not None:
            at = now + timedelta(seconds=facts.retry_after)
        remedy = "Wait a moment, then try again."
        return made("rate_limited", "wait", f"Too many requests to {name}", remedy, at)
    if status in (401, 403) or (status in (0, 400) and _BAD_KEY.search(words)):
        if call.key:
            remedy = f"Check the key in {_SETTINGS}."
            return made("wrong_key", "models", f"{name} does not accept the key", remedy)
        remedy = f"Paste a key in {_SETTINGS}."
        return made("no_key", "models", f"{name} needs a key", remedy)
    if _NO_IMAGES.search(message) and status < 500:
        remedy = "Choose a model that sees images, or send the message without them."
        return made("no_images", "choose_model", f"{model} cannot see images", remedy)
    if status == 413 or _TOO_LONG.search(words):
        remedy = "Start a new chat, or choose a model with a larger context."
        return made("too_long", "new_chat", f"This is too long for {model}", remedy)
    if _NO_MODEL.search(words) or (status == 404 and "model" in facts.message.lower()):
        return made(
            "model_unknown", "choose_model", f"{name} has no model “{model}”", "Choose another."
        )
    if status in (404, 405):
        why = f"Nothing at {call.host} answers under this address."
        remedy = f"Check the address in {_SETTINGS}."
        return made("model_unknown", "models", f"{name} was not found", remedy)
    if status == 407:
        return _wants_login(why)
    if status == 408:
        return timed_out(call)
    if 300 <= status < 400:
        why = f"{call.host} sends requests on to another address."
        remedy = f"Check the address in {_SETTINGS}."
        return made("refused", "models", f"{name} has another address", remedy)
    if 400 <= status < 500:
        return made("refused", "choose_model", f"{name} refused the request", "Try another model.")
    action: Action = "continue" if call.began else "retry"
    return made("server_error", action, f"{name} has a problem", "Try again in a moment.")


def _from_transport(error: BaseException, call: Call, proxy: Proxy | None) -> ModelError:
    text = str(error)
    if isinstance(error, httpx2.ProxyError):
        said = quoted(text, call.key) or "It refused the connection."
        why = said if proxy is None else _sentence(f"{proxy.address} answered: {said}")
        return _wants_login(why) if text.startswith("407") else bad_proxy(call, why)
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return bad_address(call)
    if isinstance(error, httpx2.RemoteProtocolError):
        broke = "disconnected" in text or "peer closed" in text or "incomplete" in text
        if not broke:
            return not_a_stream(call, "no HTTP")
    if isinstance(error, httpx2.DecodingError):
        return not_a_stream(call, text)
    if isinstance(error, httpx2.ConnectError):
        if proxy is not None and not proxy.reached:
            return _no_proxy(text or _cause(error), proxy, call)
        return _unreachable(text or _cause(error), call)
    return cut(call, f"The connection to {call.host} was cut.")


def _cause(error: BaseException) -> str:
    """What the innermost exception said, where the outer ones have no words."""
    said = ""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
        said = str(error) or said
    return said


def _no_proxy(text: str, proxy: Proxy, call: Call) -> ModelError:
    """Nobody was asked: the way leads through a proxy that is not there."""
    why = f"Nothing answers at {proxy.address}, through which {call.provider} is asked."
    if _NO_NAME.search(text):
        name = proxy.address.rpartition(":")[0]
        why = f"The name {name}, through which {call.provider} is asked, could not be found."
    return _proxy_error("The proxy cannot be reached", why, call)


def _unreachable(text: str, call: Call) -> ModelError:
    why = f"Nothing answers at {call.host}."
    remedy = "Check the network connection, then try again."
    action: Action = "retry"
    if _NO_NAME.search(text):
        why = f"The name {call.host} could not be found."
    elif re.search(r"CERTIFICATE|certificate|SSL|TLS", text):
        why = f"The secure connection to {call.host} failed: {quoted(text, call.key)}"
        remedy = f"Check the address in {_SETTINGS}."
        action = "models"
    if call.local:
        remedy = "Start it on this machine, then try again."
    return ModelError(
        f"{call.provider} cannot be reached", why, remedy, kind="no_network", action=action
    )


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When a rate limit ends, by the headers that servers send; None where none says it."""
    if milliseconds := _number(headers.get("retry-after-ms")):
        return now + timedelta(milliseconds=milliseconds)
    if after := headers.get("retry-after", "").strip():
        if (seconds := _number(after)) is not None:
            return _in(now, seconds)
        try:
            moment = parsedate_to_datetime(after)
        except ValueError:
            moment = None
        if moment is not None:
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if reset := headers.get("x-ratelimit-reset"):
        return _reset(reset, now)
    found = []
    for what in ("requests", "tokens"):
        if (left := _seconds(headers.get(f"x-ratelimit-reset-{what}", ""))) is not None:
            found.append((headers.get(f"x-ratelimit-remaining-{what}") == "0", left))
    return _in(now, max(found)[1]) if found else None


def _reset(text: str, now: datetime) -> datetime | None:
    """A duration, or a moment in (milli)seconds since 1970."""
    number = _number(text)
    if number is None:
        seconds = _seconds(text)
        return None if seconds is None else _in(now, seconds)
    if number < 1e9:
        return _in(now, number)
    return _in(datetime.fromtimestamp(0, UTC), number / 1000 if number > 1e11 else number)


def _in(start: datetime, seconds: float) -> datetime | None:
    try:
        return start + timedelta(seconds=max(0.0, seconds))
    except (OverflowError, ValueError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def _seconds(text: str) -> float | None:
    """The seconds of "1m30.5s", "20s", "12ms"."""
    parts = _DURATION.findall(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None
