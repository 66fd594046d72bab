"""kombu's generic transport classes on the broker that the environment names.

Copied beside kombu's `t/` and run there. Owns what differs between the two brokers.
"""

import os
from collections.abc import Iterator

import kombu
import pytest
from t.integration.common import (
    BaseExchangeTypes,
    BaseMessage,
    BasePriority,
    BaseTimeToLive,
    BasicFunctionality,
)

URL = os.environ["TEST_BROKER"]
ON_REDIS = URL.startswith("redis")


class Connection(kombu.Connection):
    """The classes expect of one drain all that is there, as from RabbitMQ; Redis delivers one."""

    def drain_events(self, timeout: float | None = None, **kwargs: object) -> object:
        result = super().drain_events(timeout=timeout, **kwargs)
        while ON_REDIS and self._more_is_there():
            super().drain_events(timeout=timeout, **kwargs)
        return result

    def _more_is_there(self) -> bool:
        # Asked for, and not tried: a request that was left standing would take what comes later.
        channels = self.transport.channels
        return any(channel._size(queue) for channel in channels for queue in channel.active_queues)


@pytest.fixture
def connection() -> Iterator[kombu.Connection]:
    with Connection(URL) as connection:
        yield connection


@pytest.fixture
def invalid_connection() -> kombu.Connection:
    return kombu.Connection("redis://127.0.0.1:1" if ON_REDIS else "nagatha+file:///dev/null/q.db")


class TestBasicFunctionality(BasicFunctionality):
    pass


class TestExchangeTypes(BaseExchangeTypes):
    pass


class TestTimeToLive(BaseTimeToLive):
    pass


class TestPriority(BasePriority):
    # To kombu's Redis 0 is the highest; to RabbitMQ, and here, 9 is.
    PRIORITY_ORDER = "desc" if ON_REDIS else "asc"


class TestMessage(BaseMessage):
    pass
