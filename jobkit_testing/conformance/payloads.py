"""Payloads are opaque bytes, whatever happens to their job."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from jobkit.store import Capability, NewJob, Settlement, StoredJob, Succeed
from jobkit_testing.conformance.bench import Bench, BenchWorker
from jobkit_testing.conformance.builders import (
    LEASE,
    SECOND,
    a_job,
    lease_of,
    release,
    retry_soon,
    snooze,
    succeed,
)
from jobkit_testing.conformance.capable import only_with

PAYLOADS: Mapping[str, bytes] = {
    "empty": b"",
    "every byte": bytes(range(256)),
    "lines": b"\n\r\n\n",
    "nul": b"\0a\0",
    "not utf-8": b"\xff\xfe\xc3\x28",
    "empty array": b"[]",
    "empty arrays": b'{"a":[],"b":{"c":[[]]}}',
    "big integers": b'{"n":123456789012345678901234567890,"m":-9007199254740993}',
    "floats": b"[1.0,1e22,0.1,-0.0,1E400]",
    "non-ascii": '{"name":"Zoë — ☃ 🎉"}'.encode(),
    "spaces": b' { "a" : 1 } ',
    "number": b"0123",
    "null": b"null",
    "100 KiB": bytes(range(256)) * 400,
}
each_payload = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())


# How a job comes to run again; None: its worker dies.
Way = Callable[[StoredJob], Settlement] | None
WAYS: Mapping[str, Way] = {
    "retry": retry_soon,
    "snooze": snooze,
    "release": release,
    "loss": None,
}
each_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def run_again(bench: Bench, ann: BenchWorker, way: Way) -> tuple[StoredJob, StoredJob]:
    """Claim a job twice, and return it as it was claimed each time."""
    first = ann.take_one()
    if way is None:
        bench.live(LEASE, ann)
    else:
        ann.settle(way(first))
        bench.advance(SECOND)
    second = ann.take_one()
    assert second.id == first.id
    assert second.fence > first.fence
    return first, second


class Payloads:
    """Tests of what a store does with bytes: nothing."""

    @each_payload
    def test_a_payload_comes_out_as_it_went_in(self, bench: Bench, payload: bytes) -> None:
        """B3: bit for bit, when read and when claimed."""
        job_id = bench.push_one(a_job(payload=payload))

        claimed = bench.worker().take_one()

        assert claimed.payload == payload
        assert bench.get(job_id).payload == payload

    @each_payload
    @each_way
    def test_a_payload_survives_another_round(self, bench: Bench, payload: bytes, way: Way) -> None:
        """B3: also when the job runs again."""
        bench.push(a_job(payload=payload, delay=SECOND))
        ann = bench.worker()
        bench.advance(SECOND)

        _, second = run_again(bench, ann, way)

        assert second.payload == payload

    @each_way
    def test_options_and_metadata_survive_another_round(self, bench: Bench, way: Way) -> None:
        """B3: the other two texts of a job are as opaque."""
        options = b'{"timeout":1500,"backoff":[],"n":12345678901234567890}'
        metadata = '{"user":"Zoë","empty":"","tab":"\\t","list":"[]"}'.encode()
        bench.push(a_job(options=options, metadata=metadata))

        first, second = run_again(bench, bench.worker(), way)

        assert (first.options, first.metadata) == (options, metadata)
        assert (second.options, second.metadata) == (options, metadata)

    @each_payload
    def test_a_result_comes_out_as_it_went_in(self, bench: Bench, payload: bytes) -> None:
        """B31: a result is opaque bytes too."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()

        ann.settle(succeed(job, result=payload))

        assert bench.get(job.id).result == payload

    @only_with(Capability.CHILDREN)
    @each_payload
    def test_the_payload_of_a_child_comes_out_as_it_went_in(
        self, bench: Bench, payload: bytes
    ) -> None:
        """B3, B41: children are jobs like any other."""
        bench.push(a_job())
        ann = bench.worker()
        job = ann.take_one()
        child: NewJob = bench.named(a_job(payload=payload))

        ann.settle(Succeed(lease=lease_of(job), children=(child,)))

        assert bench.get(child.id).payload == payload
