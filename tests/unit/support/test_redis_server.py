"""That the tests' Redis is a real one, and gone afterwards."""

from pathlib import Path

import psutil
import pytest
import redis

from tests.support.redis_server import available, redis_server

pytestmark = [
    pytest.mark.redis,
    pytest.mark.skipif(not available(), reason="redis-server is missing; make setup installs it"),
]


def test_redis_server_when_started_then_it_stores_in_its_own_folder(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis", durable=True) as server:
        with redis.Redis.from_url(server.url(3)) as client:
            client.set("word", "kept")
            assert client.get("word") == b"kept"
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("dir") == {"dir": str(tmp_path / "redis")}
        assert psutil.Process(server.pid).name() == "redis-server"
    assert not psutil.pid_exists(server.pid)


def test_redis_server_when_two_run_then_they_do_not_meet(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path / "a") as one,
        redis_server(tmp_path / "b") as two,
        redis.Redis.from_url(one.url()) as here,
        redis.Redis.from_url(two.url()) as there,
    ):
        here.set("word", "here")
        assert there.get("word") is None
