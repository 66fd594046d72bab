"""One question to the default model outside of any chat: for modules and the doctor.

Owns asking without tools or history; what it used is recorded for the run behind it.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from decimal import Decimal

from worker.agent.loop import Parameters
from worker.config import Settings
from worker.contract.errors import ModelError
from worker.contract.types import RunKind, UsageRecord
from worker.providers.base import Finished, PromptMessage, TextDelta
from worker.providers.tokens import estimate_usage
from worker.service.models import BUILTIN, Chosen, ModelDesk
from worker.service.scope import Scope, new_id


def parameters_for(chosen: Chosen, settings: Settings) -> Parameters:
    """How `chosen` is asked under the settings of the moment."""
    models = settings.models
    return Parameters(
        model=chosen.model,
        context=chosen.info.context if chosen.info is not None else None,
        images=chosen.info.images if chosen.info is not None else None,
        temperature=models.temperature,
        max_tokens=models.max_tokens,
        connect_timeout=models.connect_timeout,
        chunk_timeout=models.chunk_timeout,
        total_timeout=models.total_timeout,
    )


class PlainQuestions:
    """Asks the default model for one owner."""

    def __init__(self, scope: Scope, desk: ModelDesk, settings: Callable[[], Settings]) -> None:
        self._scope = scope
        self._desk = desk
        self._settings = settings

    async def ask(self, prompt: str, system: str, run: str, purpose: RunKind = "task") -> str:
        """The default model's answer, whole. `run` is what the usage is recorded for.

        Raises ModelError, of kind "no_model" where none is set up.
        """
        chosen = await self._desk.choose()
        if chosen.provider.id == BUILTIN:
            raise ModelError(
                "No model is set up",
                "The built-in assistant cannot do this by itself.",
                "Add a model in Settings › Models and keys, or set OPENAI_API_KEY.",
                kind="no_model",
                action="models",
            )
        messages = (*((PromptMessage("system", system),) if system else ()),
                    PromptMessage("user", prompt))  # fmt: skip
        request = parameters_for(chosen, self._settings()).request(messages)
        clock = asyncio.get_running_loop().time
        began = clock()
        parts: list[str] = []
        finished: Finished | None = None
        try:
            async with aclosing(chosen.provider.stream(request)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextDelta):
                        parts.append(piece.text)
                    elif isinstance(piece, Finished):
                        finished = piece
        finally:
            if finished is not None or parts:
                said = PromptMessage("assistant", "".join(parts))
                usage = finished.usage if finished is not None else None
                record = UsageRecord(
                    id=new_id(),
                    run=run,
                    at=self._scope.now(),
                    purpose=purpose,
                    provider=chosen.provider.id,
                    model=finished.model if finished is not None else chosen.model,
                    usage=usage or estimate_usage(messages, (), said),
                    seconds=clock() - began,
                    cost=Decimal(0) if chosen.provider.local else None,
                )
                await asyncio.shield(self._scope.storage.add_usage(self._scope.owner, record))
        return "".join(parts)
