"""The zone of this machine, as it is now.

Owns that it is read again each time: people travel, and a program runs for weeks. It must not
know what it is asked for.
"""

import logging
import sys
import time
import warnings
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

log = logging.getLogger(__name__)


def machine_zone() -> str:
    """Its IANA name; "UTC" where the machine names none that is known. Reads a few files.

    From then on the local times of this process are those of that zone, too.
    """
    if sys.platform != "win32":
        # Python asks the C library for local times, which looks for the zone once only.
        time.tzset()
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


def in_zone(moment: datetime, zone: str) -> datetime:
    """An instant as a clock in a zone shows it; in UTC where that zone is not known here (any
    more), so that what is meant there can still be shown."""
    try:
        return moment.astimezone(ZoneInfo(zone))
    except (LookupError, ValueError, OSError):
        return moment.astimezone(UTC)
