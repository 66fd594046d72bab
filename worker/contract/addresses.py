"""What an address says by itself.

Owns the one rule by which a server counts as being on this machine.
"""

import ipaddress
from urllib.parse import urlsplit


def is_local(base_url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
