"""The one family of errors that leaves the engine.

Owns `NagathaError` and its few kinds. Foreign exceptions (of a provider, the broker, the
storage) are turned into these at one edge each; over HTTP they travel as
`application/problem+json` and come out as the same class.
"""

from datetime import datetime
from typing import ClassVar

from worker.contract.types import Action, Problem


class NagathaError(Exception):
    """Something went wrong that a person can be told about.

    `title` is what happened, `message` why, `remedy` what to do; `kind` is a stable slug.
    """

    default_kind: ClassVar[str] = "error"
    default_action: ClassVar[Action] = ""

    def __init__(
        self,
        title: str,
        message: str = "",
        remedy: str = "",
        *,
        kind: str = "",
        action: Action | None = None,
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(title)
        self.problem = Problem(
            kind=kind or self.default_kind,
            title=title,
            message=message,
            remedy=remedy,
            action=self.default_action if action is None else action,
            retry_at=retry_at,
        )

    def __str__(self) -> str:
        return str(self.problem)

    @property
    def kind(self) -> str:
        """The stable slug of what went wrong."""
        return self.problem.kind


class InvalidInput(NagathaError):
    """What was asked for cannot be: a wrong value, an empty text, an unknown key."""

    default_kind = "invalid"


class NotFound(NagathaError):
    """There is no such chat, message, run, provider, task."""

    default_kind = "not_found"


class TooLarge(NagathaError):
    """A file or text is over a limit; the message names the limit."""

    default_kind = "too_large"


class Conflict(NagathaError):
    """It cannot be done now, because something else is under way."""

    default_kind = "conflict"


class Unavailable(NagathaError):
    """A part of the engine or a server that is needed does not answer."""

    default_kind = "unavailable"
    default_action = "retry"


class StorageError(NagathaError):
    """The data cannot be read or written: disk full, read-only, damaged, from a newer version.

    Kinds: "disk_full", "read_only", "damaged", "newer_version", "storage".
    """

    default_kind = "storage"


class ModelError(NagathaError):
    """A model could not answer.

    Kinds: "no_model", "no_key", "wrong_key", "rate_limited", "no_credit", "model_unknown",
    "too_long", "server_error", "no_network", "timeout", "cut" (the connection broke in
    mid-answer), "not_a_stream", "refused" (a bad request that fits none of these), "no_images".
    """

    default_kind = "server_error"
    default_action = "retry"


class AuthenticationError(NagathaError):
    """The token that a client sent is missing or wrong."""

    default_kind = "unauthenticated"


_BY_KIND: dict[str, type[NagathaError]] = {
    **{
        cls.default_kind: cls
        for cls in (
            InvalidInput,
            NotFound,
            TooLarge,
            Conflict,
            Unavailable,
            StorageError,
            AuthenticationError,
        )
    },
    **dict.fromkeys(("disk_full", "read_only", "damaged", "newer_version"), StorageError),
    **dict.fromkeys(
        (
            "no_model",
            "no_key",
            "wrong_key",
            "rate_limited",
            "no_credit",
            "model_unknown",
            "too_long",
            "server_error",
            "no_network",
            "timeout",
            "cut",
            "not_a_stream",
            "refused",
            "no_images",
        ),
        ModelError,
    ),
}


def error_from(problem: Problem) -> NagathaError:
    """The exception that `problem` was made of; `NagathaError` itself for an unknown kind."""
    cls = _BY_KIND.get(problem.kind, NagathaError)
    error = cls(problem.title)
    error.problem = problem
    return error
