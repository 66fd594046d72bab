"""Hands a command to the program that runs already; the standard library only, so that it is quick.

Owns the address of the running program and the small protocol: one line of JSON there, one line
back. The listening side is `single_instance`. Knows nothing of what the commands mean.
"""

import hashlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ANSWER_WITHIN = 10.0
"""Seconds that a running program has to answer; one that is starting may take some of them."""
LONGEST = 65536
"""Bytes of one line."""


class NoAnswer(Exception):
    """A program listens there and does not answer: it hangs, or was stopped."""


def spare_address(home: Path, environ: Mapping[str, str]) -> str:
    """Where the program with the data folder `home` listens if it cannot in the usual place.

    A socket's path outside of that folder, or a pipe's name on Windows. Another data folder is
    another program.
    """
    resolved = os.path.normcase(os.path.realpath(home))
    digest = hashlib.sha256(resolved.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    name = f"nagatha-{digest}"
    if sys.platform == "win32":
        return name
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if runtime.is_absolute() and runtime.is_dir():
        return str(runtime / name)
    return str(Path(tempfile.gettempdir()) / f"nagatha-{os.getuid()}" / name)


def hand_over(address: str, commands: Sequence[str]) -> bool:
    """Give `commands` to the program that listens at `address`.

    True when it took them; False when nobody listens there (a socket that is left over from a
    program that was killed counts as nobody). Raises NoAnswer.
    """
    line = json.dumps({"commands": list(commands)}).encode() + b"\n"
    try:
        reply = (
            _exchange_pipe(address, line) if sys.platform == "win32" else _exchange(address, line)
        )
    except TimeoutError:
        raise NoAnswer(address) from None
    except OSError:
        return False
    return reply.strip() == b"ok"


def _exchange(address: str, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(ANSWER_WITHIN)
        link.connect(address)
        link.sendall(line)
        reply = b""
        while not reply.endswith(b"\n") and len(reply) < LONGEST:
            part = link.recv(4096)
            if not part:
                break
            reply += part
        return reply


def _exchange_pipe(address: str, line: bytes) -> bytes:
    with open(rf"\\.\pipe\{address}", "r+b", buffering=0) as pipe:
        pipe.write(line)
        return pipe.readline()
