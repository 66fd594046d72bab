"""What a module may use: the registry it is handed, and the context its tasks get.

A module receives, it never reaches: nothing but this file is promised to it. See
`docs/modules.md` for a module in twenty lines.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., object])


class TaskContext(Protocol):
    """What a task registered with `bind=True` gets as its first argument."""

    run_id: str
    """The run that this call belongs to."""
    attempt: int
    """0 for the first try."""
    log: logging.Logger
    """The module's own logger; what it is told is in the run's log too."""

    @property
    def cancelled(self) -> bool:
        """True once someone asked the task to stop; long tasks look at it."""
        ...

    def progress(self, fraction: float | None, text: str = "") -> None:
        """Tell how far it is (0 to 1, None for unknown) and what it does."""
        ...

    def ask(self, prompt: str, system: str = "") -> str:
        """Ask the default model and wait for its answer.

        Not to be called on the runtime loop. Raises ModelError (kind "no_model" where none
        is set up).
        """
        ...

    def retry(self, reason: str, delay: float | None = None) -> Exception:
        """An exception to raise: tries again after `delay` seconds, or the task's own delay."""
        ...


class Registry(Protocol):
    """What `register_tasks(registry)` is handed."""

    def register_task(
        self,
        module: str,
        name: str,
        func: Callable[..., object],
        *,
        bind: bool = False,
        max_retries: int = 3,
        default_retry_delay: float = 60,
        time_limit: float | None = None,
        rate_limit: str = "",
        schedule: float | None = None,
        tool: bool = False,
        needs_approval: bool = False,
        description: str = "",
        parameters: Mapping[str, object] | None = None,
    ) -> None:
        """Offer `func` as the task `module.name`.

        `func` is an ordinary function (it runs on a worker thread) or a coroutine function
        (it runs on the runtime loop); it takes keyword arguments and returns JSON. With
        `bind` its first argument is a `TaskContext`. `time_limit`, `default_retry_delay` and
        `schedule` are seconds; `rate_limit` is e.g. "10/m". `tool=True` lets the assistant
        call it, with `needs_approval=True` each time only after the person agreed: for what
        changes something outside, such as sending a mail. `parameters` is a JSON schema; without
        one it is made from the signature.
        Raises ValueError for a name that is taken or not the module's own.
        """
        ...
