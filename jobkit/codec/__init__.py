"""Payloads: a dataclass to JSON and back, checked before anything is stored.

classes       how messages name classes, and the stand-ins of freezegun
refusal       which field msgspec refuses
schema        the tree of a dataclass's types
comparison    whether what came back is what was given
plain_fields  jobs that need no such comparison
arrangement   the order of sets and dicts, and fingerprints
failure       where in a job the fault lies
payload       PayloadCodec, which joins them
"""

from jobkit.codec.classes import DataclassLike, J, label, sensitive_fields
from jobkit.codec.payload import PayloadCodec
from jobkit.codec.refusal import UnresolvedAnnotation

__all__ = [
    "DataclassLike",
    "J",
    "PayloadCodec",
    "UnresolvedAnnotation",
    "label",
    "sensitive_fields",
]
