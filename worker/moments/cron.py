"""Cron lines: their five fields, and in words what is wrong with one.

Owns no time: instants are cronsim's. It must not know routines.
"""

LONGEST = 200
"""Characters of a line."""
SHORT = {
    "@HOURLY": "0 * * * *",
    "@DAILY": "0 0 * * *",
    "@MIDNIGHT": "0 0 * * *",
    "@WEEKLY": "0 0 * * 0",
    "@MONTHLY": "0 0 1 * *",
    "@YEARLY": "0 0 1 1 *",
    "@ANNUALLY": "0 0 1 1 *",
}
"""What cron's short names stand for."""


def fields(line: str) -> str:
    """The five fields of a line, one space between them. Raises ValueError, says why in words."""
    if len(line) > LONGEST:
        raise ValueError(f"a cron line has at most {LONGEST} characters")
    found = SHORT.get(line.strip().upper(), line).split()
    if len(found) == 6:
        raise ValueError("it has six fields: with seconds, it could come more than once a minute")
    if len(found) != 5:
        raise ValueError(
            "a cron line has five fields: minute, hour, day of the month, month, weekday"
        )
    return " ".join(found)


def why(error: str, expression: str) -> str:
    """What cronsim says of five fields, in words."""
    names = ("minute", "hour", "day-of-month", "month", "day-of-week")
    for name, field in zip(names, expression.split(), strict=True):
        if error == f"Bad {name}":
            plain = {"day-of-month": "day of the month", "day-of-week": "weekday"}.get(name, name)
            return f"“{field}” is no {plain}, or none that ever comes (cron)"
    return f"the cron line makes no sense: {error}"
