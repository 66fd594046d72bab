"""What the suites about tasks share: an engine with the module "lab"."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.engines import engine_in, module
from tests.support.half import HALF
from tests.support.lab import LAB
from tests.support.model_server import ModelServer
from tests.support.worlds import World


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "nagatha"
    module(folder, "lab", LAB)
    return folder


@pytest.fixture
def lab(home: Path) -> Iterator[World]:
    with engine_in(home, background=True) as there:
        yield there


Test = Callable[[World], Awaitable[None]]


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer(behaviours={"half": HALF}) as server:
        yield server
