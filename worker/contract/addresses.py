"""What an address says by itself.

Owns the one rule by which a server counts as being on this machine, and what is no address.
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


def is_web_address(base_url: str) -> bool:
    """Whether it is an address of the web, with a port that there can be if any."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:  # brackets that are not closed, a port beyond 65535
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0
