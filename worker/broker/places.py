"""Where a broker's file may be: URLs to paths and back, and the refusal of network shares.

Knows nothing of SQLite: it only looks at names and at what is mounted.
"""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from worker.broker.errors import BrokerAddressError, BrokerNetworkShare

SCHEME = "nagatha"
URL_PREFIX = f"{SCHEME}+file://"

# Shared memory between machines does not exist, and SQLite's WAL needs it.
NETWORK_FILESYSTEMS = frozenset(
    {
        *("9p", "afpfs", "afs", "ceph", "cifs", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs"),
        *("nfs", "nfs3", "nfs4", "smb2", "smb3", "smbfs", "vboxsf", "webdav"),
        *("fuse.cephfs", "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.gvfsd-fuse"),
        *("fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    }
)

_DRIVE = re.compile(r"^/[A-Za-z]:[/\\]")
_DRIVE_REMOTE = 4


def broker_url(path: str | os.PathLike[str]) -> str:
    """Give the URL of a broker's file, for Celery's ``broker`` and ``backend``.

    Args:
        path: the file; made absolute. Spaces, ``%``, ``;`` and the like are escaped.
    """
    absolute = Path(path).absolute().as_posix()
    rooted = absolute if absolute.startswith("/") else f"/{absolute}"
    # Its bytes: a name on disk need not be text.
    return URL_PREFIX + quote(os.fsencode(rooted), safe="/:")


def path_from_url(url: str, *, windows: bool = os.name == "nt") -> Path:
    """Find the file that a URL names.

    Args:
        url: ``nagatha+file:///absolute/path`` or, as kombu hands it on, ``file:///absolute/path``.
        windows: whether ``/C:/…`` is a drive path.

    Raises:
        BrokerAddressError: the URL is not of that form.
        BrokerNetworkShare: the URL names another host.
    """
    rest = url.removeprefix(f"{SCHEME}+")
    if not rest.startswith("file://"):
        raise _bad_address(url, "it does not begin with nagatha+file:///")
    rest = rest.removeprefix("file://").removeprefix("localhost")
    if "?" in rest or "#" in rest:
        raise _bad_address(url, "'?' and '#' in a path are written %3F and %23")
    text = os.fsdecode(unquote_to_bytes(rest))
    if windows and _DRIVE.match(text):
        return Path(text[1:])
    if not text.startswith("/"):
        host = text.split("/", 1)[0]
        if re.fullmatch(r"[A-Za-z]:", host) or "/" not in text:
            raise _bad_address(url, "the path must be absolute, with three slashes")
        raise BrokerNetworkShare(
            f"{url} names a file on the computer {host}.", "Use a file on a local disk."
        )
    if text.startswith("//"):
        raise BrokerNetworkShare(f"{url} names a network path.", "Use a file on a local disk.")
    if text.endswith("/") or "\0" in text:
        raise _bad_address(url, "it names no file")
    return Path(text)


def _bad_address(url: str, why: str) -> BrokerAddressError:
    return BrokerAddressError(
        f"{url!r} is no broker address: {why}.", "Write nagatha+file:///absolute/path/queue.db"
    )


def refuse_network_share(folder: Path, *, kind: str | None = None) -> None:
    """Raise if a folder is on a network share.

    Args:
        folder: the existing folder that holds, or will hold, the file.
        kind: the file system's name; looked up when not given.

    Raises:
        BrokerNetworkShare: it is. Nothing was written.
    """
    kind = filesystem_kind(folder) if kind is None else kind
    if kind in NETWORK_FILESYSTEMS or kind == "remote":
        raise BrokerNetworkShare(
            f"{folder} is on a network share ({kind}), where several programs cannot safely use "
            "one queue file.",
            "Keep the data folder on a local disk, or use Redis or RabbitMQ as the broker.",
        )


def filesystem_kind(folder: Path, *, platform: str = sys.platform) -> str:
    """Name the file system that a folder is on, ``""`` when that cannot be found out."""
    try:
        if platform == "win32":
            return _kind_on_windows(folder)
        if platform == "darwin":
            listing = subprocess.run(
                ["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False
            ).stdout
            return kind_from_mount_listing(listing, folder)
        return kind_from_mountinfo(
            Path("/proc/self/mountinfo").read_text("utf-8", "replace"), folder
        )
    except (OSError, AttributeError, subprocess.SubprocessError):
        return ""  # not knowing is no reason to refuse


def kind_from_mountinfo(text: str, folder: Path) -> str:
    """Find a folder's file system in the text of Linux's ``/proc/self/mountinfo``."""
    mounts: list[tuple[str, str]] = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) > 4 and after:
            point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), fields[4])
            mounts.append((point, after.split(" ", 1)[0]))
    return _nearest(mounts, folder)


def kind_from_mount_listing(text: str, folder: Path) -> str:
    """Find a folder's file system in what macOS's ``mount`` prints."""
    found = re.findall(r"^.* on (/.*) \(([^,)]+)", text, re.MULTILINE)
    return _nearest([(point, kind) for point, kind in found], folder)


def _nearest(mounts: list[tuple[str, str]], folder: Path) -> str:
    wanted = f"{os.path.realpath(folder).rstrip('/')}/"
    best, kind = -1, ""
    for point, name in mounts:
        prefix = f"{point.rstrip('/')}/"
        if wanted.startswith(prefix) and len(prefix) >= best:  # the later mount covers the earlier
            best, kind = len(prefix), name
    return kind


def _kind_on_windows(folder: Path) -> str:
    if str(folder).startswith("\\\\"):
        return "remote"
    library = getattr(ctypes, "windll").kernel32  # noqa: B009 - exists on Windows only
    return "remote" if library.GetDriveTypeW(folder.anchor) == _DRIVE_REMOTE else "local"
