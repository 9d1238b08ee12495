"""Which systems are measured, in which versions, and what each can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verb = Literal["enqueue", "aenqueue", "many"]
Kind = Literal["sync", "async"]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system.

    `packages`: what is installed for it, pinned; none: it runs in this environment. `python`: the
    oldest version that it takes. `share`: how much of the jobs it gets, as it is slow. `verbs`:
    its ways to enqueue, the quickest first. `kinds`: of handlers. `scales`: it takes a number of
    threads or tasks. `ack`: what a crash of its worker costs, as its documentation says.
    """

    name: str
    script: str
    ack: str
    packages: tuple[str, ...] = ()
    python: tuple[int, int] = (3, 11)
    share: float = 1.0
    verbs: tuple[Verb, ...]
    kinds: tuple[Kind, ...]
    scales: tuple[Kind, ...] = ()


LATE = "at least once"
EARLY = "at most once"
STUCK = "at least once; a stuck job is failed unless retries were asked for"

SYSTEMS: tuple[System, ...] = (
    System(
        name="bare loop",
        script="with_bare",
        ack=f"{LATE}; no SDK: the limit",
        verbs=("many", "aenqueue", "enqueue"),
        kinds=("sync", "async"),
        scales=("sync", "async"),
    ),
    System(
        name="jobkit",
        script="with_jobkit",
        ack=LATE,
        verbs=("many", "aenqueue", "enqueue"),
        kinds=("sync", "async"),
        scales=("sync", "async"),
    ),
    System(
        name="mayu",
        script="with_mayu",
        ack=LATE,
        packages=("mayu==0.2.5",),
        python=(3, 13),
        verbs=("enqueue",),
        kinds=("sync", "async"),
    ),
    System(
        name="tarsk-redis",
        script="with_tarsk",
        ack=LATE,
        packages=("tarsk-redis==0.2.1",),
        share=0.5,
        verbs=("enqueue",),
        kinds=("async", "sync"),
        scales=("async",),
    ),
    System(
        name="ardiq",
        script="with_ardiq",
        ack=LATE,
        packages=("ardiq==1.2.0",),
        python=(3, 12),
        share=0.5,
        verbs=("many", "aenqueue"),
        kinds=("async", "sync"),
        scales=("async",),
    ),
    System(
        name="dramatiq",
        script="with_dramatiq",
        ack=LATE,
        packages=("dramatiq[redis]==2.2.1", "redis==8.1.0", "hiredis==3.5.0"),
        share=0.2,
        verbs=("enqueue",),
        kinds=("sync",),
        scales=("sync",),
    ),
    System(
        name="taskiq",
        script="with_taskiq",
        ack=LATE,
        packages=("taskiq==0.13.0", "taskiq-redis==1.2.4", "uvloop==0.23.0", "hiredis==3.5.0"),
        share=0.1,
        verbs=("aenqueue",),
        kinds=("async",),
        scales=("async",),
    ),
    System(
        name="huey",
        script="with_huey",
        ack=EARLY,
        packages=("huey==3.5.4", "redis==8.1.0", "hiredis==3.5.0"),
        share=0.1,
        verbs=("enqueue",),
        kinds=("sync",),
        scales=("sync",),
    ),
    System(
        name="saq",
        script="with_saq",
        ack=STUCK,
        packages=(
            "saq[redis]==0.26.4",
            "typing_extensions==4.15.0",
            "msgspec==0.22.0",
            "uvloop==0.23.0",
            "hiredis==3.5.0",
        ),
        share=0.1,
        verbs=("aenqueue",),
        kinds=("async",),
        scales=("async",),
    ),
    System(
        name="arq",
        script="with_arq",
        ack=LATE,
        packages=("arq==0.28.0", "uvloop==0.23.0", "hiredis==3.5.0"),
        share=0.1,
        verbs=("aenqueue",),
        kinds=("async",),
        scales=("async",),
    ),
    System(
        name="streaq",
        script="with_streaq",
        ack=LATE,
        packages=("streaq==7.2.0", "uvloop==0.23.0"),
        share=0.05,
        verbs=("aenqueue",),
        kinds=("async",),
        scales=("async",),
    ),
    System(
        name="celery",
        script="with_celery",
        ack=EARLY,
        packages=("celery[redis]==5.7.0", "hiredis==3.5.0"),
        share=0.05,
        verbs=("enqueue",),
        kinds=("sync",),
        scales=("sync",),
    ),
    System(
        name="rq",
        script="with_rq",
        ack=STUCK,
        packages=("rq==3.0.0", "redis==8.1.0", "hiredis==3.5.0"),
        share=0.01,
        verbs=("many", "enqueue"),
        kinds=("sync",),
    ),
)
