"""Events as JSON text and back, without losing a character.

Owns the wire form: one object with the event's fields, told apart by `kind`, all in ASCII, so
that lone surrogates, NUL and line separators travel as escapes. It must not know who carries it.
"""

import json
from functools import cache
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from worker.contract.events import Event


class UnknownEvent(ValueError):
    """The text is no event that this version knows."""


@cache
def adapter() -> TypeAdapter[Event]:
    """What checks and makes events; built at first use, since that takes a moment."""
    return TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def encode(event: Event) -> str:
    """The event as one line of JSON."""
    # In two steps: pydantic's own JSON writer refuses lone surrogates.
    plain = adapter().dump_python(event, mode="json", fallback=str)
    return json.dumps(plain, ensure_ascii=True, separators=(",", ":"))


def decode(text: str | bytes) -> Event:
    """The event that `encode` wrote. Raises UnknownEvent, without the text in it."""
    try:
        return adapter().validate_python(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise UnknownEvent(f"{'.'.join(map(str, first['loc']))}: {first['type']}") from None
    except (ValueError, RecursionError) as error:
        raise UnknownEvent(f"no JSON ({type(error).__name__})") from None
