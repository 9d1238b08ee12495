"""Several hosts in one URL, as Sentinel and Cluster have them."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import urlsplit

from jobkit.errors import InvalidOption

Host: TypeAlias = tuple[str, int]


def hosts_of(netloc: str, port: int, form: str) -> list[Host]:
    """Read "host1:port,host2" off a URL; `port`: where none is given; `form`: how to write it.

    >>> hosts_of("a:1,b,[::1]:3", 6379, "")
    [('a', 1), ('b', 6379), ('::1', 3)]
    """
    try:
        parts = [urlsplit(f"//{each}") for each in netloc.split(",")]
        hosts = [(part.hostname, port if part.port is None else part.port) for part in parts]
    except ValueError as error:
        raise InvalidOption(
            f"a Redis URL with a host or port that is none: write {form}"
        ) from error
    found = [(host, number) for host, number in hosts if host]
    if len(found) != len(hosts):
        raise InvalidOption(f"a Redis URL leaves a host out: write {form}")
    return found
