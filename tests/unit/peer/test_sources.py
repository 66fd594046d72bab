"""Taking foreign tests out of an archive, and choosing among them."""

import io
import tarfile
from pathlib import Path

from tests.peer.parts import parts
from tests.peer.run import choose
from tests.peer.sources import unpack_tests


def archive(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("thing-1.0/t/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    return path


def test_only_the_files_of_the_tests_are_unpacked(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "thing-1.0.tar.gz",
        {
            "thing-1.0/t/__init__.py": "",
            "thing-1.0/t/integration/test_it.py": "it",
            "thing-1.0/thing/__init__.py": "not this",
            "thing-1.0/setup.py": "nor this",
            "thing-1.0/t/../../escaped.py": "nor this",
            "t/loose.py": "nor this",
        },
    )
    folder = tmp_path / "out" / "in"
    assert unpack_tests(source, folder) == 2
    found = sorted(
        str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
    assert found == ["out/in/t/__init__.py", "out/in/t/integration/test_it.py"]
    assert (folder / "t/integration/test_it.py").read_text() == "it"


def test_archive_without_tests_gives_none(tmp_path: Path) -> None:
    source = archive(tmp_path / "thing-1.0.tar.gz", {"thing-1.0/setup.py": ""})
    assert unpack_tests(source, tmp_path / "out") == 0


def test_parts_are_chosen_by_suite_or_by_name() -> None:
    every = parts(Path("celery"), Path("kombu"))
    assert choose(every, []) == every
    assert [part.title for part in choose(every, ["canvas"])] == ["celery canvas"]
    assert [part.suite for part in choose(every, ["kombu"])] == ["kombu"]
    assert len(choose(every, ["celery"])) == len(every) - 1
    assert choose(every, ["canvass"]) == []
