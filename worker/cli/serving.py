"""The HTTP API for `nagatha worker --api`.

Owns the token's file. FastAPI is imported only here, when it is wanted.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from worker import __version__
from worker.config.files import storage_error, write_atomically
from worker.engine import LOCAL_OWNER, Engine
from worker.service.owner import OwnerClient


@asynccontextmanager
async def served(engine: Engine) -> AsyncIterator[tuple[str, Path]]:
    """Serve the engine while the block runs; gives the address and the token's file.

    The port is the setting api.port. Raises Unavailable where it is taken, StorageError.
    """
    from worker.api.app import create_api
    from worker.api.server import serve

    token = await asyncio.to_thread(token_in, engine.paths.api_token)
    client = OwnerClient(engine.services(LOCAL_OWNER), engine.bus, LOCAL_OWNER)
    app = create_api(lambda owner: client, {token: LOCAL_OWNER}, version=__version__)
    async with serve(app, port=engine.settings.api.port) as address:
        yield address, engine.paths.api_token


def token_in(file: Path) -> str:
    """The token in `file`, which is made with mode 0600 when missing. Raises StorageError."""
    try:
        if file.exists() and (known := file.read_text(encoding="ascii").strip()):
            return known
    except (OSError, ValueError) as error:
        raise storage_error(OSError(str(error)), file) from error
    made = secrets.token_urlsafe(32)
    write_atomically(file, f"{made}\n".encode())
    return made
