"""Why a drain leaves a job that is ready."""

from __future__ import annotations

from collections.abc import Mapping

from jobkit.store import Lane, Pauses

LEFT = ("future", "paused", "limited", "no handler")


def why_left(type_name: str, served: Mapping[str, Lane], pauses: Pauses) -> str:
    """Return why a ready job of a type was left, by the words of `Report.left`.

    >>> why_left("A", {"A": Lane(group="A")}, Pauses(types=frozenset("A")))
    'paused'
    """
    lane = served.get(type_name)
    if lane is None:
        return "no handler"
    return "paused" if pauses.hold(type_name, lane.group) else "limited"
