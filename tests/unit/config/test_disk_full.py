"""Settings, keys and the log on a disk that is really full: a small tmpfs."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.keyrings import MemoryKeyring
from worker.config import load, save
from worker.contract.errors import StorageError
from worker.logging import LogSystem, Redactor
from worker.paths import Paths
from worker.secrets import Secrets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(disk: Path) -> Path:
    file = disk / "filler"
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while filler.write(b"x" * 512):
            pass
    return file


def test_a_save_on_a_full_disk_is_refused_and_the_old_file_stays(disk: Path) -> None:
    paths = Paths.under(disk / "data")
    paths.make()
    save(paths, "models.system_prompt", "before")
    filler = _fill(disk)
    with pytest.raises(StorageError) as caught:
        save(paths, "models.system_prompt", "after " * 2000)
    assert caught.value.kind == "disk_full"
    assert load(paths, {}, disk).settings.models.system_prompt == "before"
    filler.unlink()
    save(paths, "models.system_prompt", "after")
    assert load(paths, {}, disk).settings.models.system_prompt == "after"


def test_a_key_on_a_full_disk_is_refused_and_the_old_one_stays(disk: Path) -> None:
    paths = Paths.under(disk / "data")
    paths.make()

    async def main() -> None:
        secrets = Secrets(paths, Redactor(), {}, MemoryKeyring)
        await secrets.allow_file(True)
        await secrets.set("a", "sk-before-0123456789", "file")
        filler = _fill(disk)
        with pytest.raises(StorageError) as caught:
            await secrets.set("a", "sk-after-" + "0" * 9000, "file")
        assert caught.value.kind == "disk_full"
        filler.unlink()
        assert await Secrets(paths, Redactor(), {}).get("a") == "sk-before-0123456789"

    asyncio.run(main())


def test_the_log_goes_on_once_there_is_room(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LogSystem(disk / "logs", Redactor()) as system:
        logging.getLogger("x").info("first")
    with system:
        filler = _fill(disk)
        for number in range(200):
            logging.getLogger("x").info("lost %d %s", number, "x" * 200)
        assert system._handler is not None
        system._handler._waiting.join()
        filler.unlink()
        logging.getLogger("x").info("room again")
    text = system.path.read_text()
    assert "first" in text and "room again" in text
    assert "Traceback" not in capsys.readouterr().err
