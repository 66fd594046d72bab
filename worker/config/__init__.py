"""The engine's configuration: environment over ./nagatha.yaml over the data folder's file over
defaults.

Owns which source wins, what is told about it, and saving. It must not know what settings are used
for. Keys are never here: see `worker.secrets`.
"""

from worker.config.load import Loaded, describe, load
from worker.config.save import provider_entry, remove_provider, save, save_provider
from worker.config.schema import KEYS, ProviderEntry, Settings, login_in

__all__ = [
    "KEYS",
    "Loaded",
    "ProviderEntry",
    "Settings",
    "describe",
    "load",
    "login_in",
    "provider_entry",
    "remove_provider",
    "save",
    "save_provider",
]
