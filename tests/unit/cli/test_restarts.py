"""When a worker process is started again."""

from __future__ import annotations

import pytest

from jobkit.cli.exit_codes import ExitCode
from jobkit.cli.restarts import LONG_LIFE, LONGEST, Life, Restart, after, delay, exit_code


def a_life(code: int = -9, lived: float = 3.0, *, served: bool = True) -> Life:
    return Life(code=code, lived=lived, served=served)


def decided(
    life: Life,
    *,
    deaths: int = 0,
    burst: bool = False,
    has_anybody_served: bool = True,
) -> Restart | None:
    return after(
        life, deaths=deaths, spread=0.5, burst=burst, has_anybody_served=has_anybody_served
    )


@pytest.mark.parametrize("code", [0, 1, 4, 5, -9, -11])
def test_who_has_served_is_replaced_however_it_ended(code: int) -> None:
    """B37: also one that somebody stopped by itself, and one that lost all slots."""
    assert decided(a_life(code)) == Restart(delay(1, spread=0.5), 1)


def test_each_death_in_a_row_waits_longer_and_a_long_life_begins_anew() -> None:
    short = [decided(a_life(), deaths=deaths) for deaths in range(8)]
    waits = [restart.delay for restart in short if restart is not None]

    assert waits == sorted(waits)
    assert waits[-1] == LONGEST
    assert decided(a_life(lived=LONG_LIFE), deaths=7) == Restart(delay(1, spread=0.5), 1)


def test_delays_are_spread() -> None:
    assert delay(3, spread=0.0) == 0.75 * delay(3, spread=0.5)
    assert delay(3, spread=1.0) == 1.25 * delay(3, spread=0.5)


@pytest.mark.parametrize("code", [ExitCode.USAGE, ExitCode.NO_REDIS, -11])
def test_what_could_never_serve_is_not_tried_again(code: int) -> None:
    """A wrong command line, no application, no Redis: a person is needed."""
    life = a_life(code, served=False)

    assert decided(life, has_anybody_served=False) is None
    assert decided(life, has_anybody_served=True) is not None


def test_a_burst_ends_with_each_that_is_dry_and_replaces_who_crashed() -> None:
    assert decided(a_life(ExitCode.OK), burst=True) is None
    assert decided(a_life(-9), burst=True) is not None


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ([], ExitCode.OK),
        ([0, 0], ExitCode.OK),
        ([0, 4], ExitCode.HANDED_BACK),
        ([5, 4], ExitCode.ABANDONED),
        ([2, 2], ExitCode.USAGE),
        ([0, -15], ExitCode.OK),
        ([0, -9], ExitCode.REFUSED),
        ([120], ExitCode.REFUSED),
    ],
)
def test_the_worst_of_the_codes_is_told(codes: list[int], worst: ExitCode) -> None:
    assert exit_code(codes) is worst
