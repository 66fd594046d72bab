"""The zone of this machine, as it is now.

Owns that it is read again each time: people travel, and a program runs for weeks. It must not
know what it is asked for.
"""

import logging
import warnings
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

log = logging.getLogger(__name__)


def machine_zone() -> str:
    """Its IANA name; "UTC" where the machine names none that is known. Reads a few files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            name = getattr(tzlocal.reload_localzone(), "key", None)
            if name is None or name == "local":
                return "UTC"
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        log.warning("the machine's time zone cannot be told, so UTC is used: %s", error)
        return "UTC"
    return str(name)
