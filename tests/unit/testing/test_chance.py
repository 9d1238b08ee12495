"""What a seed decides."""

from __future__ import annotations

from jobkit_testing.chance import MOST_FAULTS, Chance


def _drawn(chance: Chance) -> list[object]:
    return [
        chance.turn("abc") if place % 2 else chance.fault(["crash", "loss"]) for place in range(60)
    ]


def test_a_seed_decides_the_same_each_time() -> None:
    """B56"""
    assert [_drawn(Chance(seed)) for seed in range(20)] == [
        _drawn(Chance(seed)) for seed in range(20)
    ]


def test_seeds_differ_and_faults_are_few() -> None:
    counts = [sum(Chance(seed).fault(["x"]) is not None for _ in [0]) for seed in range(50)]
    faults = [
        [each for each in _drawn(Chance(seed)) if each in ("crash", "loss")] for seed in range(50)
    ]

    assert len({tuple(map(str, _drawn(Chance(seed)))) for seed in range(50)}) == 50
    assert {0, 1} == set(counts)
    assert {0, 1, 2, 3} == {len(each) for each in faults}
    assert MOST_FAULTS == 3


def test_a_script_decides_which_faults_happen_and_not_whose_turn_it_is() -> None:
    free, scripted = Chance(7), Chance(7, {1: "crash", 2: "loss"})

    assert [scripted.fault(["crash"]) for _ in range(4)] == [None, "crash", None, None]
    assert [scripted.turn("abcdef") for _ in range(20)] == [free.turn("abcdef") for _ in range(20)]


def test_the_only_one_who_can_go_on_goes_on() -> None:
    assert Chance(1).turn(["me"]) == "me"


def test_what_has_happened_is_noted_with_its_place() -> None:
    chance = Chance(1, {1: "crash"})
    chance.fault(["crash"])
    name = chance.fault(["crash"])

    chance.note(name or "", "worker A crashed")

    assert [(each.place, each.name, each.words) for each in chance.happened] == [
        (1, "crash", "worker A crashed")
    ]
