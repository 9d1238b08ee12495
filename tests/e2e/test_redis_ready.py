"""What was made ready for Redis is stored, whatever Redis has forgotten before it is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobkit.errors import BackendUnavailable
from jobkit.ids import IdSource, system_ids
from jobkit.redis.connections import Connections, address_of
from jobkit.redis.store import RedisStore
from jobkit.store import Count, NewJob, Push, Queues, Ready
from tests.servers import RedisServer

TYPE = "app.Note"
IDS: IdSource = system_ids(lambda: 1_000)


@pytest.fixture
def store(server: RedisServer) -> Iterator[RedisStore]:
    """Give a store on a server of its own, which knows the push and the queue already."""
    store = RedisStore(Connections(address_of(server.url)))
    store.run(a_push(1))
    yield store
    store.close()


def a_push(request: int) -> Push:
    job = NewJob(id=IDS.new("mail"), queue="mail", type=TYPE, payload=b"{}")
    return Push(jobs=(job,), channel="c", request=request, orders={})


def stored(store: RedisStore) -> int:
    return store.run(Count(queue="mail")).queued.get(TYPE, 0)


def sent(ready: Ready) -> object:
    [result] = ready().wait()
    return result


def test_nothing_is_stored_before_it_is_sent(store: RedisStore) -> None:
    push = a_push(2)

    ready = store.ready([push])
    before = stored(store)

    assert sent(ready) == (push.jobs[0].id,)
    assert (before, stored(store)) == (1, 2)


def test_a_server_without_its_scripts_is_told_them(server: RedisServer, store: RedisStore) -> None:
    ready = store.ready([a_push(2)])
    server.ask("SCRIPT FLUSH")

    sent(ready)

    assert stored(store) == 2


def test_a_server_that_lost_everything_is_told_the_queue_again(
    server: RedisServer, store: RedisStore
) -> None:
    """Else no reader would find the job."""
    ready = store.ready([a_push(2)])
    server.ask("FLUSHALL", "SCRIPT FLUSH", "CLIENT KILL TYPE normal")
    with pytest.raises(BackendUnavailable):
        store.run(Queues())

    sent(ready)

    assert store.run(Queues()) == ("mail",)
    assert stored(store) == 1


def test_what_was_never_sent_before_is_ready_too(server: RedisServer) -> None:
    fresh = RedisStore(Connections(address_of(server.url)))

    sent(fresh.ready([a_push(1)]))

    assert (stored(fresh), fresh.run(Queues())) == (1, ("mail",))
    fresh.close()
