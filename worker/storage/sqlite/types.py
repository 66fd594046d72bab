"""How values are kept in columns: any text, instants, JSON, money.

Owns the representation; must not know tables.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Text(TypeDecorator[str]):
    """Any str, exactly: NUL characters too, and lone surrogates.

    SQLite's TEXT is UTF-8, which has no lone surrogates; a text with such is kept as a BLOB
    of the same encoding with them let through. So the column's value tells which it is, and
    equal texts are equal values.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")  # type: ignore[return-value]
        return value

    def process_result_value(self, value: str | bytes | None, dialect: Dialect) -> str | None:
        if isinstance(value, bytes):
            return value.decode("utf-8", "surrogatepass")
        return value


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC and given back in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        # A time out of range, stored by an older version, must not break every list it is in.
        return None if value is None else _EPOCH + min(max(value, _FIRST), _LAST) * _MICROSECOND


class Json(TypeDecorator[object]):
    """What `json.loads` returns. None is NULL; surrogates are kept as `Text` keeps them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> object | None:
        return None if value is None else json.loads(value)


class Money(TypeDecorator[Decimal]):
    """A Decimal, kept as its digits."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


Bytes = LargeBinary


def microseconds(value: datetime) -> int:
    """Since 1970 in UTC. Raises ValueError for a datetime without a zone."""
    if value.tzinfo is None:
        raise ValueError("a datetime without a zone cannot be stored")
    return (value - _EPOCH) // _MICROSECOND
