from __future__ import annotations

from jobkit.engine.channels import Channels


def test_a_channel_counts_its_requests_up() -> None:
    """B6"""
    channels = Channels()
    found: list[tuple[str, int]] = []
    for _ in range(3):
        lent = channels.borrow()
        found.append((lent.name, lent.request))
        channels.give_back(lent)

    assert len({name for name, _ in found}) == 1
    assert [request for _, request in found] == [1, 2, 3]


def test_pushes_at_the_same_time_have_channels_of_their_own() -> None:
    """B6"""
    channels = Channels()

    first, second = channels.borrow(), channels.borrow()
    assert first.name != second.name
    channels.give_back(first)
    again, another = channels.borrow(), channels.borrow()

    assert (again.name, again.request) == (first.name, 2)
    assert len({second.name, again.name, another.name}) == 3


def test_two_clients_never_share_a_channel() -> None:
    """B6"""
    assert Channels().borrow().name != Channels().borrow().name
