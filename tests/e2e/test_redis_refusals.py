"""A Redis that answers, and takes nothing: no replicas, no disk, no room for clients."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobkit import BackendUnavailable
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Ping
from tests.e2e.redis_backends import each_version
from tests.e2e.waiting import eventually, in_trouble
from tests.servers import RedisServer

MINUTE = timedelta(minutes=1)


@each_version
def test_too_few_replicas_are_waited_for(server: RedisServer, make: MakeJobs) -> None:
    """B39: NOREPLICAS"""
    jobs, producer = make(), make(enqueue_timeout=timedelta(milliseconds=200))
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)

    server.ask("CONFIG SET min-replicas-to-write 1")
    with pytest.raises(BackendUnavailable, match="NOREPLICAS") as refusal:
        producer.enqueue(Ping())
    eventually(lambda: in_trouble(jobs))
    server.ask("CONFIG SET min-replicas-to-write 0")

    assert refusal.value.stored == "no"
    assert producer.enqueue(Ping()).wait(MINUTE).state == "succeeded"


@each_version
def test_a_disk_that_cannot_be_written_is_waited_for(server: RedisServer, make: MakeJobs) -> None:
    """B39: MISCONF"""
    jobs, producer = make(), make(enqueue_timeout=timedelta(milliseconds=200))
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)

    (server.directory / "dump.rdb").mkdir()  # so that no snapshot can take its place
    (server.directory / "dump.rdb" / "x").touch()
    server.ask("CONFIG SET save '3600 1'", "BGSAVE")
    eventually(lambda: "rdb_last_bgsave_status:err" in server.ask("INFO persistence"))
    with pytest.raises(BackendUnavailable, match="MISCONF") as refusal:
        producer.enqueue(Ping())
    eventually(lambda: in_trouble(jobs))
    server.ask("CONFIG SET stop-writes-on-bgsave-error no")

    assert refusal.value.stored == "no"
    assert producer.enqueue(Ping()).wait(MINUTE).state == "succeeded"


def test_too_many_clients_are_waited_for(server: RedisServer, make: MakeJobs) -> None:
    """B39"""
    producer = make(enqueue_timeout=timedelta(milliseconds=200))
    jobs = make()
    jobs.register(do_nothing, job=Ping)
    jobs.start()
    jobs.enqueue(Ping()).wait(MINUTE)

    server.ask("CONFIG SET maxclients 1")
    with pytest.raises(BackendUnavailable, match="max number of clients") as refusal:
        producer.enqueue(Ping())
    jobs.enqueue(Ping()).wait(MINUTE)

    assert refusal.value.stored == "no"
