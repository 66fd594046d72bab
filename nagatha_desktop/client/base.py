"""What a window is handed: a `Client`, and it cannot tell which.

Owns the choice of names. There are two makers, and the contract suite
(tests/contract/test_client.py) runs against both:

- `nagatha_desktop.client.local.LocalClient`: the engine's own objects in this process.
- `nagatha_desktop.client.remote.RemoteClient(base_url, token)`: an engine elsewhere, by HTTP.

Both live on the runtime loop: windows reach them through `nagatha_desktop.bridge`. Importing
this module loads neither HTTP nor pydantic nor any part of the engine but its contract.
"""

from worker.contract.services import FEATURES, Client

__all__ = ["FEATURES", "Client"]
