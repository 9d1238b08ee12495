"""What `jobkit doctor` reads off a Redis."""

from __future__ import annotations

import pytest

from jobkit import RedisJobs
from jobkit.redis.checkup import checkup
from tests.servers import RedisServer

GOOD = {
    "redis_version": "7.2.4",
    "role": "master",
    "connected_slaves": "0",
    "aof_enabled": "1",
    "aof_last_write_status": "ok",
    "rdb_last_bgsave_status": "ok",
    "maxmemory": "0",
    "used_memory": "1000",
    "maxmemory_policy": "noeviction",
}


def test_a_redis_that_keeps_what_it_took_is_well() -> None:
    """B39"""
    assert checkup(GOOD) == []


@pytest.mark.parametrize(
    ("changed", "what", "mend"),
    [
        ({"aof_enabled": "0"}, "appendonly is no", "Set appendonly yes"),
        ({"aof_last_write_status": "err"}, "append-only file failed", "disk"),
        ({"rdb_last_bgsave_status": "err"}, "snapshot failed", "disk"),
        ({"maxmemory_policy": "allkeys-lru"}, "allkeys-lru: a full Redis drops", "noeviction"),
        ({"maxmemory": "1000", "used_memory": "950"}, "95% of maxmemory", "Raise maxmemory"),
        ({"connected_slaves": "2"}, "2 replicas and no min", "Set min-replicas-to-write"),
        ({"role": "slave"}, "is a replica", "its primary"),
        ({"redis_version": "6.2.14"}, "Redis 6.2.14", "Upgrade"),
    ],
)
def test_each_danger_is_told_with_what_mends_it(
    changed: dict[str, str], what: str, mend: str
) -> None:
    """B39"""
    (sentence,) = checkup({**GOOD, **changed})

    assert what in sentence
    assert mend in sentence


def test_replicas_that_must_have_a_write_are_no_danger() -> None:
    """B39"""
    assert checkup({**GOOD, "connected_slaves": "2", "min_slaves_good_slaves": "2"}) == []


def test_what_a_server_does_not_tell_is_passed_over() -> None:
    assert checkup({}) == []


def test_a_real_server_is_asked(each_redis_server: RedisServer) -> None:
    """B39: a server of the tests keeps nothing on disk."""
    with RedisJobs(each_redis_server.url) as jobs:
        told = jobs.checkup()

    assert any("appendonly is no" in sentence for sentence in told)
    assert jobs.audit() == []
