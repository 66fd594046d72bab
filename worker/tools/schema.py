"""Arguments as a model wrote them, made into what a tool takes.

Owns the check and the words that the model is told. It must not know what a tool does.
"""

import json
from collections.abc import Mapping

from worker.contract.errors import InvalidInput
from worker.module_host.schema import checked


def read_arguments(
    name: str, text: str, schema: Mapping[str, object]
) -> tuple[dict[str, object], str]:
    """The arguments in `text`, checked against `schema`, and what is wrong ("" for nothing)."""
    try:
        given = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        return {}, f"The arguments are not valid JSON: {error}. Call the tool again."
    if not isinstance(given, dict):
        return {}, "The arguments have to be a JSON object. Call the tool again."
    try:
        return checked(schema, given, name), ""
    except InvalidInput as error:
        return {}, str(error)
