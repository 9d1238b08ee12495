"""Pairing what is expected with what is there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jobkit_testing.pairing import pair_up

SIZES = st.integers(0, 5)


@settings(deadline=None)
@given(st.data())
def test_it_finds_as_many_pairs_as_there_can_be(data: st.DataObject) -> None:
    rows, columns = data.draw(SIZES), data.draw(SIZES)
    fits = [[data.draw(st.booleans()) for _ in range(columns)] for _ in range(rows)]

    owner = pair_up(fits)

    assert len(set(owner.values())) == len(owner) == _most(fits, 0, frozenset())
    assert all(fits[row][column] for column, row in owner.items())


def test_very_many_that_all_fit_are_no_trouble() -> None:
    fits = [[True] * 1500] * 1500

    assert len(pair_up(fits)) == 1500


def _most(fits: list[list[bool]], row: int, taken: frozenset[int]) -> int:
    """Try everything."""
    if row == len(fits):
        return 0
    without = _most(fits, row + 1, taken)
    options = [
        1 + _most(fits, row + 1, taken | {column})
        for column, is_fit in enumerate(fits[row])
        if is_fit and column not in taken
    ]
    return max([without, *options])
