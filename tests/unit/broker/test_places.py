"""URLs of broker files, and the refusal of network shares."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.processes import posix_only
from worker.broker import places
from worker.broker.errors import BrokerAddressError, BrokerNetworkShare
from worker.broker.places import broker_url, path_from_url, refuse_network_share

MOUNTS = r"""22 1 254:0 / / rw,discard shared:1 - ext4 /dev/vda rw
30 22 0:26 / /mnt/my\040share rw - cifs //server/share rw
31 22 0:27 / /mnt/my\040share/local rw shared:2 master:1 - tmpfs none rw
broken line
"""
MAC_MOUNTS = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//me@server/share on /Volumes/share (smbfs, nodev, nosuid, mounted by me)
"""


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1))
def test_url_of_any_file_name_leads_back_to_the_same_path(name: str) -> None:
    path = Path(f"/folder/{name}/queue.db")
    if ".." in path.parts or "." in path.parts:
        return
    url = broker_url(path)
    assert path_from_url(url) == path
    assert path_from_url(url.removeprefix("nagatha+")) == path
    assert not set(";?# ") & set(url)


@posix_only
def test_url_of_a_name_that_is_no_text_leads_back_to_the_same_path(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9") / "queue.db"
    url = broker_url(path)
    assert url.isascii()
    assert path_from_url(url) == path
    assert path_from_url(f"nagatha+file://{tmp_path}/café") == tmp_path / "café"


def test_url_of_a_drive_path_is_that_path_on_windows() -> None:
    found = path_from_url("nagatha+file:///C:/Users/A%20B/queue.db", windows=True)
    assert found.as_posix() == "C:/Users/A B/queue.db"


def test_url_of_a_relative_path_is_made_absolute(tmp_path: Path) -> None:
    os.chdir(tmp_path)
    assert path_from_url(broker_url("queue.db")) == tmp_path / "queue.db"


def test_url_with_localhost_names_a_local_file() -> None:
    assert path_from_url("file://localhost/a/b.db") == Path("/a/b.db")


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost/0",
        "nagatha+file://queue.db",
        "nagatha+file://C:/queue.db",
        "nagatha+file:///folder/",
        "nagatha+file:///a?b=c",
        "nagatha+file:///a%00b",
    ],
)
def test_url_of_another_form_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(BrokerAddressError) as caught:
        path_from_url(url)
    assert "nagatha+file:///" in caught.value.remedy


@pytest.mark.parametrize("url", ["nagatha+file://server/share/q.db", "nagatha+file:////server/q"])
def test_url_of_another_computer_is_refused(url: str) -> None:
    with pytest.raises(BrokerNetworkShare):
        path_from_url(url)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smbfs", "fuse.sshfs", "9p", "remote"])
def test_folder_on_a_network_share_is_refused_with_what_to_do(tmp_path: Path, kind: str) -> None:
    with pytest.raises(BrokerNetworkShare) as caught:
        refuse_network_share(tmp_path, kind=kind)
    assert kind in str(caught.value)
    assert "Redis" in caught.value.remedy


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "apfs", "ntfs", "tmpfs", "overlay", ""])
def test_folder_on_a_local_disk_is_accepted(tmp_path: Path, kind: str) -> None:
    refuse_network_share(tmp_path, kind=kind)


def test_this_folder_is_on_a_known_local_file_system(tmp_path: Path) -> None:
    assert places.filesystem_kind(tmp_path)
    refuse_network_share(tmp_path)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me", "ext4"),
        ("/mnt/my share", "cifs"),
        ("/mnt/my share/deep/er", "cifs"),
        ("/mnt/my share/local", "tmpfs"),
        ("/mnt/my shared", "ext4"),
    ],
)
def test_nearest_mount_decides_what_a_folder_is_on(folder: str, kind: str) -> None:
    assert places.kind_from_mountinfo(MOUNTS, Path(folder)) == kind


def test_mount_listing_of_macos_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    def listing(*args: object, **kwargs: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, MAC_MOUNTS)

    monkeypatch.setattr(subprocess, "run", listing)
    assert places.filesystem_kind(Path("/Volumes/share/x"), platform="darwin") == "smbfs"
    assert places.filesystem_kind(Path("/Users/me"), platform="darwin") == "apfs"


def test_drive_type_of_windows_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        kind = 3

        def GetDriveTypeW(self, root: str) -> int:
            return self.kind

    class Windll:
        kernel32 = Kernel()

    monkeypatch.setattr(places.ctypes, "windll", Windll(), raising=False)
    assert places.filesystem_kind(Path("/data"), platform="win32") == "local"
    Windll.kernel32.kind = 4
    assert places.filesystem_kind(Path("/data"), platform="win32") == "remote"
    assert places.filesystem_kind(Path("\\\\server\\share"), platform="win32") == "remote"


def test_unknown_file_system_is_no_reason_to_refuse(tmp_path: Path) -> None:
    assert places.filesystem_kind(tmp_path, platform="win32") == ""
