"""What a group teaches: hand-worked numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from arena.viewers.language.group import Group, chance, name_of, sentence, told, verdict
from envs.language.vocabulary import END, encode
from tests.arena.viewers.language.hand_made import answer, lesson, shown


def test_advantages_are_by_hand() -> None:
    """Rewards 0.1, 0.1, 1.1, 0.1: mean 0.35, std sqrt(3)/4, so sqrt(3) for the right one, else -1/sqrt(3)."""
    group = lesson(0.5)
    assert group.mean == pytest.approx(0.35) and group.std == pytest.approx(math.sqrt(3) / 4)
    assert group.advantages.tolist() == pytest.approx([-1 / math.sqrt(3)] * 2 + [math.sqrt(3), -1 / math.sqrt(3)])
    assert not group.wasted and group.advantages.sum() == pytest.approx(0)
    assert sentence(group).startswith("1 of 4 is paid more than the mean and will be likelier (sky), 3 less likely")


def test_equal_rewards_teach_exactly_nothing() -> None:
    wrong, right = lesson(0.5, texts=("bca",) * 3), lesson(0.5, texts=("cba",) * 3)
    assert wrong.wasted and wrong.advantages.tolist() == [0, 0, 0]
    assert "the group is wasted" in sentence(wrong) and "teaches nothing more" in sentence(right)


def test_a_token_has_credit_beyond_the_others_in_its_place_by_hand() -> None:
    """Answers of which one is cut short are paid alike but for their tokens; where both have one, the mean is taken."""
    first = replace(answer("ab", False, (0.5,)), reward=0.5, placed=(1.0, 0.0, 0.5))
    second = replace(answer("c", False, (0.5,), ended=False), reward=0.0, placed=(0.0,))
    group = Group(0, (first, second))
    assert (first.whole, second.whole) == (0.0, 0.0)
    assert [row.tolist() for row in group.credit] == [[0.5, 0.0, 0.0], [-0.5]] and group.most_credit == 0.5
    level = replace(second, reward=0.5, placed=(0.5,))
    assert not Group(0, (first, level)).wasted and Group(0, (first, level)).advantages.tolist() == [0, 0]
    assert Group(0, (level, level)).wasted and Group(0, (level, level)).most_credit == 1.0
    plain = lesson(0.5)  # without pay for tokens each has what its answer has
    assert all(row.tolist() == pytest.approx([row[0]] * len(row)) for row in plain.credit)
    assert [row[0] for row in plain.credit] == pytest.approx((plain.rewards - plain.mean).tolist())


def test_answers_are_in_the_order_of_their_rewards_and_repeat_what_stands_above() -> None:
    """From the top cba, bca, cab, ccc: the third shares its c with the first, the fourth too, and nothing else."""
    group = lesson(0.5)
    assert group.order == (2, 0, 1, 3)
    assert group.repeated(group.order) == (0, 0, 1, 1)
    assert group.repeated((0, 1, 2, 3)) == (0, 0, 1, 1)
    twice = Group(0, (answer("cba", True, (0.5,)), answer("cba", True, (0.5,))))
    assert twice.repeated(twice.order) == (0, 4)


def test_probabilities_and_their_changes() -> None:
    """Four tokens of probability 1/2 are 1/16 together; 1/4 each under the other model is half as likely a token."""
    one = answer("cba", True, (0.5, 0.25))
    assert one.share(0) == pytest.approx(1 / 16) and one.share(1) == pytest.approx(1 / 256)
    assert one.changes() == pytest.approx([-math.log(2)] * 4)
    assert "of a right answer 0.06→4e−3, of a wrong answer 0.06→4e−3" in told(lesson(0.5, 0.25))


def test_the_scale_of_changes_follows_them_and_has_an_end() -> None:
    """0.5 to 0.45 is 1.11 times less; to 0.25 twice; to 0.001 five hundred times, of which twenty are told."""
    assert [shown(0.5, share).full_change for share in (0.45, 0.25, 0.001)] == [1.2, 2.0, 20.0]


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "1.00"),
        (0.9968, "0.99"),
        (0.93, "0.93"),
        (0.01, "0.01"),
        (0.0096, "1e−2"),
        (3.2e-5, "3e−5"),
        (0.0, "0.00"),
    ],
)
def test_a_probability_in_words(share: float, words: str) -> None:
    assert chance(share) == words


def test_checks_and_tokens_in_words() -> None:
    assert verdict(answer("cba", True, (0.5,))) == ("well formed", "right")
    assert verdict(answer("abc", False, (0.5,))) == ("well formed", "wrong")
    assert verdict(answer("abc", False, (0.5,), ended=False)) == ("cut off", "wrong")
    space, comma, think = encode(" ,<think>").tolist()
    assert [name_of(t) for t in (END, space, comma, think)] == ["end", "space", "comma", "<think>"]
