from __future__ import annotations

import pytest

from jobkit.engine.channels import Channels


def test_a_channel_counts_its_requests_up() -> None:
    """B6"""
    channels = Channels()
    found: list[tuple[str, int]] = []
    for _ in range(3):
        with channels.borrow() as lent:
            found.append((lent.name, lent.request))

    assert len({name for name, _ in found}) == 1
    assert [request for _, request in found] == [1, 2, 3]


def test_pushes_at_the_same_time_have_channels_of_their_own() -> None:
    """B6"""
    channels = Channels()

    with channels.borrow() as first, channels.borrow() as second:
        assert first.name != second.name
    with channels.borrow() as again:
        assert again.name in (first.name, second.name)
        assert again.request == 2
    with channels.borrow() as first, channels.borrow() as second:
        assert first.name != second.name


def test_a_request_that_failed_is_not_used_again() -> None:
    """B6: it may have been carried out."""
    channels = Channels()
    with pytest.raises(LookupError), channels.borrow() as failed:
        raise LookupError

    with channels.borrow() as lent:
        assert (lent.name, lent.request) == (failed.name, 2)


def test_two_clients_never_share_a_channel() -> None:
    """B6"""
    with Channels().borrow() as one, Channels().borrow() as other:
        assert one.name != other.name
