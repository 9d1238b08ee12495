"""A dataclass to JSON and back, strict both ways."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Generic

import msgspec
from msgspec import inspect as tree

from jobkit.codec.arrangement import Arrangement, plan_arrangement, plan_fingerprint
from jobkit.codec.classes import J, bare_class, label, plain_class, sensitive_fields
from jobkit.codec.comparison import Difference, plan_comparison
from jobkit.codec.failure import find_not_finite, find_unwritable, read_failure
from jobkit.codec.plain_fields import plan_plain_fields
from jobkit.codec.schema import schema_of, walk
from jobkit.errors import InvalidJob


class PayloadCodec(Generic[J]):
    """Stores the jobs of one dataclass as JSON that brings back an equal job.

    >>> import dataclasses
    >>> @dataclasses.dataclass
    ... class Send:
    ...     user_id: int
    >>> codec = PayloadCodec(Send)
    >>> codec.encode(Send(7))
    b'{"user_id":7}'
    >>> codec.decode(b'{"user_id":7,"field_of_a_later_version":true}').user_id
    7
    """

    def __init__(self, cls: type[J]) -> None:
        """Plan the codec; raise `InvalidJob` that names the field that has no JSON form."""
        self._label = label(cls)
        self._schema = schema_of(cls)
        self._secret = any(map(_has_secrets, walk(self._schema)))
        # "sorted" also covers the fields: bytes do not depend on their order in the class.
        self._write = msgspec.json.Encoder(enc_hook=_write_stand_in, order="sorted").encode
        self._read = msgspec.json.Decoder(cls, dec_hook=_read_stand_in).decode
        self._has_plain_fields = plan_plain_fields(self._schema)
        self._compare = plan_comparison(self._schema)
        self._arrange = plan_arrangement(self._schema, self._write)

    def encode(self, job: J, /) -> bytes:
        """Return the payload, once it is known to bring back a job of equal values and classes.

        For that it is decoded and compared, unless the classes of its fields say so. Raise
        `InvalidJob` with type and path if the copy would differ.
        """
        try:
            payload = self._write(job if self._arrange is None else self._arrange(job))
            if self._has_plain_fields is not None and self._has_plain_fields(job):
                return payload
            found = self._compare(job, self._read(payload))
        # The job and its __post_init__ are code of the user's, which may raise anything.
        except Exception as error:
            raise self._refusal(self._why(job, error)) from self._cause(error)
        if found is not None:
            raise self._refusal(found)
        return payload

    def decode(self, payload: bytes, /) -> J:
        """Return a new job; unknown fields are ignored, missing ones take their defaults.

        Raise `InvalidJob` with the path if the payload does not fit the dataclass.
        """
        try:
            return self._read(payload)
        except Exception as error:
            found = read_failure(error, secret=self._secret)
            raise InvalidJob(
                f"{self._label}: the payload does not decode: {found.reason} at ${found.path}"
            ) from self._cause(error)

    def canonical(self, job: J, /) -> bytes:
        """Return bytes that equal jobs share, whatever their class has got since."""
        try:
            return self._write(self._fingerprint(job))
        except Exception as error:
            raise self._refusal(self._why(job, error)) from self._cause(error)

    @cached_property
    def _fingerprint(self) -> Arrangement:
        return plan_fingerprint(self._schema, self._write)

    def _refusal(self, found: Difference) -> InvalidJob:
        return InvalidJob(f"{self._label}{found.path}: {found.reason}")

    def _why(self, job: J, error: Exception) -> Difference:
        if isinstance(error, RecursionError):
            return Difference("", "is nested too deep, or contains itself; store flat data")
        if found := find_not_finite(job):
            return found
        if isinstance(error, msgspec.MsgspecError):
            return read_failure(error, secret=self._secret)
        return find_unwritable(job, self._write) or self._why_unsorted(job, error)

    def _why_unsorted(self, job: J, error: Exception) -> Difference:
        """Let the check find what could not be sorted: keys and items of a wrong class."""
        try:
            copy = self._read(msgspec.json.encode(job, enc_hook=_write_stand_in))
            found = self._compare(job, copy)
        except Exception as another:
            error, found = another, None
        return found or read_failure(error, secret=self._secret)

    def _cause(self, error: Exception) -> BaseException | None:
        """Return what the user's own code raised, unless its text may hold a secret."""
        if self._secret:
            return None
        return error.__cause__ if isinstance(error, msgspec.MsgspecError) else error


def _has_secrets(info: tree.Type) -> bool:
    return isinstance(info, tree.DataclassType) and bool(sensitive_fields(bare_class(info)))


def _write_stand_in(value: Any) -> Any:
    cls: type[Any] = value.__class__
    plain = plain_class(cls)
    if plain is cls:
        raise TypeError(f"{label(cls)} has no JSON form")
    return plain.fromisoformat(value.isoformat())


def _read_stand_in(cls: type[Any], value: Any) -> Any:
    return value if cls is object else msgspec.convert(value, plain_class(cls))
