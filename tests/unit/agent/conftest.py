"""A model server for a whole file of tests."""

from collections.abc import Iterator

import pytest

from tests.support.model_server import ModelServer


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running
