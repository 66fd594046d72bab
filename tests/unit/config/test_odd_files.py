"""Configuration files that are no ordinary files: reported, and never waited for."""

import os
import sys
from pathlib import Path

import pytest

from worker.config.files import keep_aside, read_document
from worker.contract.errors import StorageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such files")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that nobody writes to: opening it as a file would wait for ever."""
    path = tmp_path / "config.yaml"
    os.mkfifo(path)
    return path


@pytest.mark.timeout(120)
def test_a_pipe_is_unreadable(pipe: Path) -> None:
    found = read_document(pipe)
    assert found.unreadable
    assert found.broken == "it is no ordinary file"


@pytest.mark.timeout(120)
def test_a_pipe_is_not_kept_aside(pipe: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        keep_aside(pipe)
    assert list(pipe.parent.glob("config.yaml*")) == [pipe]


@pytest.mark.timeout(120)
def test_a_device_that_never_ends_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.symlink_to("/dev/zero")
    assert read_document(path).unreadable
