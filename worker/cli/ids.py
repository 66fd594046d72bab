"""Ids as people give them: whole, or the beginning of one.

Owns when a beginning is enough, and what is said where it is not. It must not know what has ids.
"""

from collections.abc import Iterable

import click

from worker.contract.errors import InvalidInput, NotFound

SHORTEST = 6
"""Characters of an id that tell enough."""
_NAMED = 5
"""Ids that are named where several begin so."""


def meant(text: str, known: Iterable[str], thing: str, lists: str) -> str:
    """Of the known ids the one that is `text`, or the only one that begins so.

    `thing` and `lists` are words: "run", "nagatha jobs". Raises NotFound, InvalidInput for too
    short a beginning, and click.UsageError, so that the command ends with 2, where several ids
    begin so.
    """
    found = sorted({one for one in known if one.startswith(text)})
    if text in found:
        return text
    if not found or not text:
        raise NotFound(f"There is no {thing} “{text}”", "", f"“{lists}” lists them.")
    if len(text) < SHORTEST:
        raise InvalidInput(
            f"“{text}” is too short for the id of a {thing}",
            f"The beginning of an id needs {SHORTEST} characters at least.",
            f"“{lists}” lists them.",
        )
    if len(found) > 1:
        named = ", ".join(found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise click.UsageError(f"“{text}” begins several ids: {named}{more}. Give more of it.")
    return found[0]
