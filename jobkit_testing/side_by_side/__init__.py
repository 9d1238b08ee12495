"""Two stores side by side: the same steps on both, and every answer compared.

`jobkit_testing.differential` is the form for Hypothesis, `fuzz` the fast one, `replay` carries out
one program. A program is a list of steps, which are values: what a failure prints is code.

>>> from jobkit.memory.store import MemoryStore
>>> from jobkit_testing.side_by_side import Beat, Enqueue, Note, Take, replay
>>> program = [Enqueue("j1", Note()), Beat("ann", "default"), Take("ann", "default")]
>>> replay(MemoryStore, MemoryStore, program) is None
True
"""

from __future__ import annotations

from jobkit_testing.side_by_side.fuzzing import Difference, Outcome, fuzz, replay
from jobkit_testing.side_by_side.jobtypes import Export, Mail, Note, OldExport, Once, Sole, Stray
from jobkit_testing.side_by_side.ticking import (
    DeclareAll,
    Fire,
    Schedule,
    SendAgain,
    Unschedule,
    Wait,
)
from jobkit_testing.side_by_side.users import (
    Act,
    Bulk,
    Enqueue,
    EnqueueMany,
    ForgetCounts,
    Listing,
    Overview,
    Pause,
    Prune,
    PushRaw,
    SetOrder,
    Transaction,
)
from jobkit_testing.side_by_side.workers import (
    Again,
    Beat,
    End,
    Enter,
    Finish,
    FinishAll,
    Mark,
    Quit,
    Take,
    Tell,
)

__all__ = [
    "Act",
    "Again",
    "Beat",
    "Bulk",
    "DeclareAll",
    "Difference",
    "End",
    "Enqueue",
    "EnqueueMany",
    "Enter",
    "Export",
    "Finish",
    "FinishAll",
    "Fire",
    "ForgetCounts",
    "Listing",
    "Mail",
    "Mark",
    "Note",
    "OldExport",
    "Once",
    "Outcome",
    "Overview",
    "Pause",
    "Prune",
    "PushRaw",
    "Quit",
    "Schedule",
    "SendAgain",
    "SetOrder",
    "Sole",
    "Stray",
    "Take",
    "Tell",
    "Transaction",
    "Unschedule",
    "Wait",
    "fuzz",
    "replay",
]
