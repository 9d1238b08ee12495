"""What a worker must never do, each rule by name.

The store guards some of this as well. Here it is the worker that is asked: what it sent, and what
its handlers did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from benchmarks.tracing import claiming, running, settling
from benchmarks.tracing.story import Story
from benchmarks.tracing.trace import Trace

# A rule yields a sentence for each breach.
Rule = Callable[[Story], Iterator[str]]

RULES: tuple[Rule, ...] = (
    claiming.leases_fit_the_slots,
    claiming.suspects_run_alone,
    claiming.claims_name_what_is_served,
    claiming.claims_are_asked_again_as_they_are,
    claiming.nothing_is_claimed_after_the_stop,
    claiming.only_the_dead_are_taken_over,
    claiming.nothing_starts_early,
    settling.only_own_leases_are_named,
    settling.nothing_is_settled_twice,
    settling.every_lease_is_accounted_for,
    settling.a_stop_leaves_nothing_behind,
    settling.settlements_say_what_happened,
    settling.success_follows_a_return,
    running.handlers_fit_the_slots,
    running.handlers_run_once_under_a_lease,
    running.nothing_runs_after_the_stop,
    running.timeouts_are_not_early,
    running.heartbeats_come_in_time,
    running.handlers_hear_of_their_end,
    running.workers_leave_for_good,
    running.ticks_make_one_job,
    running.nobody_complains,
)


def breaches(trace: Trace) -> Mapping[str, list[str]]:
    """Hold a trace against every rule."""
    story = Story(trace)
    return {rule.__name__: list(rule(story)) for rule in RULES}
