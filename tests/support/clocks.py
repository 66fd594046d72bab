"""A wall clock that a test sets."""

from datetime import UTC, datetime, timedelta


class WallClock:
    """Goes on by itself from when it is set, unless it stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at.astimezone(UTC)

    def go(self, **by: float) -> None:
        """Let time pass, or set it back."""
        self.at += timedelta(**by)

    def set(self, at: datetime) -> None:
        self.at = at
