from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import pytest
import redis.sentinel

from jobkit.errors import BackendUnavailable, InvalidOption
from jobkit.redis.connections import Address, Connections, address_of
from jobkit.redis.sentinel import Sentinels
from jobkit.redis.store import RedisStore
from jobkit.store import Queues
from tests.sentinels import NAME, PASSWORD, SentinelGroup
from tests.servers import HOST, find_servers, free_port

Manager = cast(Any, redis.sentinel.Sentinel)  # redis-py leaves it untyped


def sentinels_of(address: Address) -> Sentinels:
    return cast(Sentinels, address.arguments["sentinels"])


@pytest.fixture(scope="module")
def group() -> Iterator[SentinelGroup]:
    """Start a Sentinel and what it watches."""
    with SentinelGroup(find_servers()[-1]) as running:
        yield running


def test_a_url_names_the_sentinels_the_primary_and_the_database() -> None:
    address = address_of("redis+sentinel://ann:secret@a:1,b/main/3?socket_timeout=7")

    sentinels = sentinels_of(address)
    assert sentinels.hosts == [("a", 1), ("b", 26379)]
    assert sentinels.name == "main"
    assert (address.arguments["username"], address.arguments["password"]) == ("ann", "secret")
    assert (address.arguments["db"], address.arguments["socket_timeout"]) == (3, 7)


def test_the_login_of_redis_is_not_that_of_sentinel() -> None:
    url = "redis+sentinel://:secret@a/main?sentinel_username=bob&sentinel_password=other"

    address = address_of(url)

    own = sentinels_of(address).arguments
    assert (own["username"], own["password"]) == ("bob", "other")
    assert address.arguments["password"] == "secret"
    assert "other" not in address.shown
    assert "secret" not in repr(address)
    assert "other" not in repr(sentinels_of(address))


def test_tls_is_for_redis_and_sentinel_both() -> None:
    address = address_of("rediss+sentinel://a/main?ssl_ca_certs=/ca.pem")

    own = sentinels_of(address).arguments
    assert address.connection_class.__name__ == "PrimarySSLConnection"
    assert type(address.async_connection()).__name__ == "AsyncPrimarySSLConnection"
    assert (own["ssl"], own["ssl_ca_certs"]) == (True, "/ca.pem")


@pytest.mark.parametrize("url", ["redis+sentinel://a:1", "redis+sentinel://a:1/"])
def test_a_url_without_the_name_of_the_primary_says_how_to_write_it(url: str) -> None:
    with pytest.raises(InvalidOption, match="name-of-the-primary"):
        address_of(url)


@pytest.mark.parametrize("hosts", ["a:x", "a,,b", ""])
def test_a_url_with_unreadable_hosts_says_how_to_write_it(hosts: str) -> None:
    with pytest.raises(InvalidOption, match="host1:26379"):
        address_of(f"redis+sentinel://:secret@{hosts}/main")


def test_the_settings_of_a_client_of_sentinel_are_taken_over() -> None:
    manager = Manager([("a", 1), ("b", 2)], sentinel_kwargs={"password": "other"})
    client = manager.master_for("main", password="secret", db=4)

    address = address_of(client)

    sentinels = sentinels_of(address)
    assert (sentinels.hosts, sentinels.name) == ([("a", 1), ("b", 2)], "main")
    assert sentinels.arguments["password"] == "other"
    assert (address.arguments["password"], address.arguments["db"]) == ("secret", 4)


def test_a_client_that_reads_from_replicas_is_refused() -> None:
    client = Manager([("a", 1)]).slave_for("main")

    with pytest.raises(InvalidOption, match="master_for"):
        address_of(client)


def test_the_primary_is_found_though_the_first_sentinel_is_away(group: SentinelGroup) -> None:
    """B39: and from then on the other one is asked first."""
    away, here = free_port(), group.sentinel.port
    address = address_of(f"redis+sentinel://:{PASSWORD}@{HOST}:{away},{HOST}:{here}/{NAME}")

    with closing(RedisStore(Connections(address))) as store:
        assert store.run(Queues()) == ()

    assert sentinels_of(address).hosts == [(HOST, here), (HOST, away)]


def test_a_primary_that_sentinel_does_not_know_is_named(group: SentinelGroup) -> None:
    """B39: nothing was sent."""
    url = f"redis+sentinel://:{PASSWORD}@{HOST}:{group.sentinel.port}/another"

    with pytest.raises(BackendUnavailable, match="another") as caught:
        RedisStore(Connections(address_of(url))).run(Queues())

    assert caught.value.stored == "no"
    assert PASSWORD not in str(caught.value)


def test_a_client_of_sentinel_leads_to_the_primary(group: SentinelGroup) -> None:
    manager = Manager([(HOST, group.sentinel.port)])
    client = manager.master_for(NAME, password=PASSWORD)

    with closing(RedisStore(Connections(address_of(client)))) as store:
        assert store.run(Queues()) == ()
