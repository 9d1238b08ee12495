"""Logins, permissions, addresses: what jobkit may and may not do on a Redis."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import redis.asyncio

from jobkit import BackendUnavailable, InvalidOption, RedisJobs
from jobkit.clock import SystemClock
from jobkit.redis.faults import RefusedLogin
from tests.e2e.backends import MakeJobs
from tests.e2e.handling import do_nothing
from tests.e2e.jobtypes import Mailed, Ping
from tests.e2e.redis_backends import a_server, each_version
from tests.e2e.waiting import eventually
from tests.servers import HOST, RedisServer

MINUTE = timedelta(minutes=1)
SECRET = "s3cret/with?all#kinds@of:letters"  # a password of no one
ESCAPED = "s3cret%2Fwith%3Fall%23kinds%40of%3Aletters"


def refusal_of(jobs: RedisJobs) -> BackendUnavailable:
    """Enqueue, be refused, and check that this was at once."""
    clock = SystemClock()
    start = clock.monotonic()
    with pytest.raises(BackendUnavailable) as refusal:
        jobs.enqueue(Ping())
    assert clock.monotonic() - start < 3  # waiting would not help
    assert refusal.value.stored == "no"
    return refusal.value


@each_version
def test_a_wrong_password_is_refused_at_once_and_not_shown(server: RedisServer) -> None:
    """B39"""
    server.ask(f"CONFIG SET requirepass {SECRET}")
    port = server.port

    for url in (f"redis://:wrong-one@{HOST}:{port}", f"redis://{HOST}:{port}"):
        with RedisJobs(url) as jobs:
            refusal = refusal_of(jobs)
            assert isinstance(refusal, RefusedLogin)
            assert "wrong-one" not in f"{refusal} {jobs!r}"
    with RedisJobs(f"redis://:{ESCAPED}@{HOST}:{port}") as jobs:
        assert jobs.enqueue(Ping()).record().state == "queued"
        assert "s3cret" not in repr(jobs)


def test_a_wrong_password_is_refused_to_coroutines_too(server: RedisServer) -> None:
    """B39"""
    server.ask(f"CONFIG SET requirepass {SECRET}")

    async def main() -> None:
        async with RedisJobs(f"redis://:wrong@{HOST}:{server.port}").aio as jobs:
            with pytest.raises(RefusedLogin):
                await jobs.enqueue(Ping())

    asyncio.run(main())


@each_version
@pytest.mark.parametrize(
    "rights",
    ["~* +@all -eval -evalsha", "~other:* +@all", "~* +@all -zadd", "~* +@read +eval +evalsha"],
)
def test_a_missing_right_is_named(server: RedisServer, rights: str) -> None:
    """B39: NOPERM"""
    server.ask(f"ACL SETUSER ann on >pass {rights}")

    with RedisJobs(f"redis://ann:pass@{HOST}:{server.port}") as jobs:
        refusal = refusal_of(jobs)

    assert "ermission" in str(refusal) or "can't run" in str(refusal)
    assert "pass" not in str(refusal).replace("permission", "")


def test_a_login_revoked_while_a_worker_runs_is_waited_for(server: RedisServer) -> None:
    """B39"""
    server.ask("ACL SETUSER ann on >pass ~* +@all")
    with RedisJobs(f"redis://ann:pass@{HOST}:{server.port}") as jobs:
        jobs.register(do_nothing, job=Ping)
        jobs.start()
        worker = jobs.worker
        assert worker is not None
        jobs.enqueue(Ping()).wait(MINUTE)

        server.ask("ACL SETUSER ann off", "CLIENT KILL USER ann")
        eventually(lambda: isinstance(worker.trouble, RefusedLogin))
        server.ask("ACL SETUSER ann on")

        eventually(lambda: worker.trouble is None)
        assert jobs.enqueue(Ping()).wait(MINUTE).state == "succeeded"


def test_a_key_of_another_kind_spoils_its_own_queue_alone(
    server: RedisServer, make: MakeJobs
) -> None:
    """B12, B39: WRONGTYPE. Nothing is deleted, and the queue goes on once it is put right."""
    jobs = make()
    jobs.register(do_nothing, job=Ping)
    jobs.register(do_nothing, job=Mailed)
    server.ask('SET "{jobkit:mail.0}:running" "somebody else\'s"')
    jobs.start()
    mailed = jobs.enqueue(Mailed())
    worker = jobs.worker
    assert worker is not None
    eventually(lambda: worker.trouble)
    trouble = str(worker.trouble)

    for n in range(20):
        assert jobs.enqueue(Ping(n)).wait(MINUTE).state == "succeeded"

    assert "WRONGTYPE" in trouble
    assert "somebody" in server.ask('GET "{jobkit:mail.0}:running"')
    server.ask('DEL "{jobkit:mail.0}:running"')
    assert mailed.wait(MINUTE).state == "succeeded"


def test_a_push_refused_for_a_key_of_another_kind_stores_nothing(
    server: RedisServer, make: MakeJobs
) -> None:
    """B4, B39"""
    jobs = make()
    server.ask('SET "{jobkit:mail.0}:bodies" x')

    def publish() -> None:
        with jobs.transaction() as tx:
            tx.enqueue(Ping())
            tx.enqueue(Mailed())

    with pytest.raises(BackendUnavailable, match="WRONGTYPE"):
        publish()

    jobs.register(do_nothing, job=Ping)
    server.ask('DEL "{jobkit:mail.0}:bodies"')
    assert not jobs.drain(timeout=MINUTE)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://localhost:6379",
        "redis://host:no-port",
        "redis://[::1",
        "redis://:pa/ss@host:6379",
        "redis://:pa#ss@host:6379",
        "redis://host:99999999",
        "redis://host/0?socket_timeout=never",
        "redis+sentinel://host:no-port/main",
        "redis+sentinel://:pa/ss@host:26379/main",
        "redis+sentinel://:12/pass@host:26379/main",
        "redis+cluster://host:no-port",
        "redis+cluster://:pa/ss@host:6379",
    ],
)
def test_a_wrong_url_is_refused_without_showing_a_password(url: str) -> None:
    """B57"""
    with pytest.raises(InvalidOption) as refusal:
        RedisJobs(url)

    assert "pa" not in str(refusal.value).replace("password", "").replace("path", "")
    assert "ss@" not in str(refusal.value)


def test_a_cluster_has_one_database() -> None:
    """B57"""
    with pytest.raises(InvalidOption, match="database 0 only"):
        RedisJobs("redis+cluster://host:6379/1")


def test_a_client_of_another_kind_is_refused_by_name() -> None:
    """B57"""
    wrong: list[object] = [None, 7, b"redis://localhost", object(), redis.asyncio.Redis()]
    for client in wrong:
        with pytest.raises(InvalidOption, match="RedisJobs takes a URL"):
            RedisJobs(client)  # type: ignore[arg-type]  # what is tested is that it is wrong


@pytest.mark.parametrize("namespace", ["", "a b", "{a}", "a:b", "ü", "x" * 129, None, 7])
def test_a_wrong_namespace_is_refused(namespace: str) -> None:
    """B54"""
    with pytest.raises(InvalidOption, match="namespace"):
        RedisJobs("redis://localhost", namespace=namespace)


def works(jobs: RedisJobs) -> None:
    """Enqueue in both ways and run."""

    async def enqueue() -> None:
        await jobs.aio.enqueue(Ping(2))
        await jobs.aio.close()

    jobs.register(do_nothing, job=Ping)
    jobs.enqueue(Ping(1))
    asyncio.run(enqueue())
    assert jobs.drain(timeout=MINUTE).succeeded == 2
    jobs.start()
    assert jobs.enqueue(Ping(3)).wait(MINUTE).state == "succeeded"
    jobs.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decode_responses": True},
        {"protocol": 3},
        {"db": 5},
        {"socket_timeout": None},
        {"health_check_interval": 1},
        {"client_name": "mine", "single_connection_client": True},
    ],
    ids=str,
)
def test_a_client_lends_its_settings(redis_server: RedisServer, options: dict[str, object]) -> None:
    """B5"""
    client = redis.Redis(host=HOST, port=redis_server.port, **options)  # type: ignore[arg-type]

    works(RedisJobs(client, namespace=f"client-{abs(hash(str(options)))}"))
    client.close()


def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    """B5"""
    path = tmp_path / "redis.sock"
    with a_server("--unixsocket", str(path)):
        works(RedisJobs(f"unix://{path}"))


def test_databases_are_apart(redis_server: RedisServer) -> None:
    """B54"""
    with RedisJobs(f"{redis_server.url}/1") as one, RedisJobs(f"{redis_server.url}/2") as two:
        handle = one.enqueue(Ping())
        two.register(do_nothing, job=Ping)

        assert not two.drain(timeout=MINUTE)
        assert handle.record().state == "queued"
