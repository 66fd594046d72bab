"""Fetches the tests of an installed distribution out of its source distribution.

Owns the download, the unpacking and the folder that it leads to. Only regular files below the
folder `t/` are taken out of the archive, and nothing of them is run here.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath

TESTS = "t"
DOWNLOAD_SECONDS = 300


class NoSource(Exception):
    """The source distribution cannot be had; the text says why."""


def fetch(name: str, folder: Path) -> Path:
    """The folder with the `t/` of the installed version of a distribution, and nothing else.

    It is `folder/name-version`; what an earlier run put there is used again. Needs the network
    otherwise. Raises NoSource.
    """
    place = folder / f"{name}-{version(name)}"
    if not (place / TESTS).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        # Unpacked beside it and renamed: what is there under its name is whole.
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            archive = _download(name, version(name), Path(scratch))
            unpacked = Path(scratch) / "unpacked"
            if not unpack_tests(archive, unpacked):
                raise NoSource(f"{archive.name} holds no folder {TESTS}/.")
            shutil.rmtree(place, ignore_errors=True)
            unpacked.rename(place)
    return place


def _download(name: str, wanted: str, folder: Path) -> Path:
    # pip asks an archive for its metadata before it keeps it, for which the archive's own build
    # files are run; with the build tools that are installed, so that no others are fetched.
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"),
        *("--no-deps", "--no-binary", name, "--no-build-isolation", "--dest", str(folder)),
        f"{name}=={wanted}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NoSource(f"{name} {wanted} was not there after {DOWNLOAD_SECONDS} s.") from error
    archives = sorted(folder.glob("*.tar.gz"))
    if done.returncode or not archives:
        raise NoSource(f"pip could not download {name} {wanted}:\n{done.stderr.strip()[-2000:]}")
    return archives[0]


def unpack_tests(archive: Path, folder: Path) -> int:
    """Write the files below `t/` in a source distribution to `folder`; gives their number."""
    count = 0
    with tarfile.open(archive) as opened:
        for member in opened:
            parts = PurePosixPath(member.name).parts
            if not member.isfile() or len(parts) < 3 or parts[1] != TESTS or ".." in parts:
                continue
            content = opened.extractfile(member)
            assert content is not None  # it is a file
            target = folder.joinpath(*parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
            count += 1
    return count
