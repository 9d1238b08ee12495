"""What handlers return, as it is stored."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

MAX_RESULT = 64 * 1024  # bytes
_encode = msgspec.json.Encoder(order="sorted").encode


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a handler returned, as it is stored; or why it cannot be."""

    data: bytes | None
    refusal: str = ""


def encode_result(value: object) -> Encoded:
    """Encode what a handler returned."""
    try:
        encoded = _encode(value)
    except Exception as error:  # its classes are users' code, which may raise anything
        return Encoded(None, f"it does not encode: {error}")
    if len(encoded) > MAX_RESULT:
        return Encoded(None, f"it has {len(encoded):,} bytes of {MAX_RESULT:,}")
    return Encoded(encoded)
