"""Many ended jobs at once: what a bulk form asks for, a batch at a time."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from jobkit.record import JobState
from jobkit.store.operations import Operation
from jobkit.store.values import Place

SWEPT_AT_ONCE: Final = 500  # jobs that one sweep acts on
LOOKED_AT_ONCE: Final = 1000  # jobs that it looks at

Action: TypeAlias = Literal["retry", "delete", "empty"]


class Swept(Struct, frozen=True, kw_only=True):
    """On how many jobs a sweep acted, and behind which place to go on (None: that was all)."""

    now: int
    done: int
    cursor: Place | None


class Sweep(Operation[Swept], frozen=True, kw_only=True):
    """Act on a batch of the jobs that ended in `state`, oldest first, from `cursor` on.

    Acts on up to `SWEPT_AT_ONCE` jobs and looks at `LOOKED_AT_ONCE`. "retry": as `Reschedule`
    does, due now; jobs whose unique key is taken, or whose payload is gone, are left. "delete":
    as `Delete`. "empty": drop the payload, keep the record; it cannot run again.

    Only jobs that ended at `until` or before (None: by now); so what ends anew meanwhile is left
    alone, and going on to the end comes to one. `types`: only of these (none: of all). `keep`:
    not the newest so many of those without a retention of their own. `with_retention`: those
    with one, too. A sweep with the channel and request number of an earlier one acts on
    nothing and answers the same, as a push does.
    """

    queue: str
    state: JobState
    action: Action
    channel: str
    request: int
    types: tuple[str, ...] = ()
    until: int | None = None
    keep: int = 0
    with_retention: bool = True
    cursor: Place | None = None
