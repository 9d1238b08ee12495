"""Pairs what is expected with what is there, so that as many as possible find a partner."""

from __future__ import annotations

from collections.abc import Sequence


def pair_up(fits: Sequence[Sequence[bool]]) -> dict[int, int]:
    """Return the partner of each column that has one; `fits[row][column]` tells who may pair.

    Augmenting paths: a row takes a taken column if its owner finds another.

    >>> pair_up([[True, True], [True, False]])
    {0: 1, 1: 0}
    """
    owner: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        columns = [column for column, is_fit in enumerate(fits[row]) if is_fit]
        free = next((column for column in columns if column not in owner), None)
        if free is not None:
            owner[free] = row
            return True
        for column in columns:
            if column not in tried:
                tried.add(column)
                if place(owner[column], tried):
                    owner[column] = row
                    return True
        return False

    for row in range(len(fits)):
        place(row, set())
    return owner
