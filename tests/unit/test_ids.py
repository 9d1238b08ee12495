from __future__ import annotations

import pytest

from jobkit.ids import ALPHABET, ID_LENGTH, IdSource, jitter, queue_hash, queue_hash_of


def as_number(job_id: str) -> int:
    number = 0
    for letter in job_id:
        number = number << 5 | ALPHABET.index(letter)
    return number


def an_id_source(*, times: list[int], bits: int = 0) -> IdSource:
    return IdSource(iter(times).__next__, lambda _: bits)


@pytest.mark.parametrize("bits", [0, (1 << 20) - 2, (1 << 40) - 1, (1 << 63) - 1])
def test_an_id_has_the_time_the_queue_and_a_number_that_counts_up(bits: int) -> None:
    """Also where the count changes more than the last letters."""
    ids = an_id_source(times=[1_700_000_000_000] * 5, bits=bits)

    made = [ids.new("mail") for _ in range(5)]

    begin = (1_700_000_000_000 << 16 | queue_hash("mail")) << 64 | bits
    assert [as_number(job_id) for job_id in made] == [begin + i for i in range(5)]
    assert {len(job_id) for job_id in made} == {ID_LENGTH}


def test_ids_of_several_queues_and_instants_sort_by_time_and_lead_to_their_queue() -> None:
    times = [1_000 + i // 50 for i in range(500)]
    queues = [("mail", "default", "reports")[int(3 * jitter(i))] for i in range(500)]
    ids = IdSource(iter(times).__next__, lambda bits: int(jitter(bits) * 2**bits))

    made = [(at, queue, ids.new(queue)) for at, queue in zip(times, queues, strict=True)]

    assert len({job_id for _, _, job_id in made}) == 500
    for at, queue, job_id in made:
        assert queue_hash_of(job_id) == queue_hash(queue)
        assert as_number(job_id) >> 80 == at
    of_mail = [job_id for _, queue, job_id in made if queue == "mail"]
    assert of_mail == sorted(of_mail)


def test_a_clock_that_steps_back_makes_no_id_twice() -> None:
    ids = an_id_source(times=[1_000, 999, 1_001, 1_000], bits=5)

    made = [ids.new("mail") for _ in range(4)]

    assert made == sorted(set(made))


@pytest.mark.parametrize("bits", [0, 1_000, 1_023, (1 << 40) - 1_500, (1 << 63) - 1])
def test_ids_made_together_are_those_made_one_by_one(bits: int) -> None:
    """Also over the ends of blocks of 1,024, and with others before and behind them."""
    one_by_one = an_id_source(times=[1_000] * 3_102, bits=bits)
    together = an_id_source(times=[1_000] * 4, bits=bits)

    wanted = [one_by_one.new("mail") for _ in range(3_102)]
    made = [together.new("mail"), *together.several("mail", 3_000), together.new("mail")]
    made += together.several("mail", 100)

    assert made == wanted


def test_ids_made_together_need_room_in_their_instant() -> None:
    numbers = iter([2**64 - 10, 7])
    ids = IdSource(iter([1_000, 1_000]).__next__, lambda _: next(numbers))
    ids.new("mail")

    made = ids.several("mail", 20)

    assert [as_number(job_id) >> 80 for job_id in made] == [1_001] * 20
    assert as_number(made[0]) & 2**64 - 1 == 7
