"""Keys to model servers: in the system's keyring, in the environment, for this session, or, with
consent, in a file.

Owns keys, from the person's hand to who calls a server. They are nowhere else in the project.
"""

from worker.secrets.backend import SERVICE, Backend, backend_name, find_backend
from worker.secrets.store import ENVIRONMENT_KEYS, Secrets

__all__ = ["ENVIRONMENT_KEYS", "SERVICE", "Backend", "Secrets", "backend_name", "find_backend"]
