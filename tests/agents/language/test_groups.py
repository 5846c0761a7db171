"""Groups of answers and lessons: what their columns say, how the level rises, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.agent import Unable
from agents.language import groups as subject
from agents.language.groups import BadReward, Curriculum, Groups, GroupSettings, answered, dealt
from agents.language.lessons import Lessons, LessonSettings
from agents.language.model import token_log_p
from agents.networks import Network
from envs.language import task
from envs.language.vocabulary import END, decode
from envs.registry import game

REVERSE = game("reverse:length=3,letters=2")
SMALL = GroupSettings(prompts=6, group=4, curriculum=Curriculum(start=0, easier=0.0))


def network(seed: int = 0) -> Network:
    return Network(REVERSE, "gpt:layers=1,width=8,heads=1", ("token",), seed=seed).eval()


def test_columns_are_prompts_with_their_answers():
    columns, games = Groups(network(), replace(SMALL, temperature=0.7), 3).collect(0)
    assert {len(value) for value in columns.values()} == {24} == {len(games)}
    assert (columns["group"] == np.repeat(np.arange(6), 4)).all() and (columns["level"] == 3).all()
    texts, said = columns["text"], answered(columns)
    for i in range(24):
        prompt, length = decode(texts[i, : columns["prompted"][i]]), columns["length"][i]
        assert prompt == decode(texts[i // 4 * 4, :4]) and prompt[-1] == "="
        assert said[i, :length].tolist() == texts[i, 4 : 4 + length].tolist() == games[i].moves
        assert columns["right"][i] == (decode(said[i]) == prompt[2::-1] and said[i, length - 1] == END)
        assert columns["right"][i] <= columns["format"][i] and (said[i, length:] == 0).all()
    text, prompted, length = (torch.from_numpy(columns[name].copy()) for name in ("text", "prompted", "length"))
    with torch.inference_mode():
        log_p = token_log_p(network(), text, prompted, length, columns["log_p"].shape[1], 0.7).log_p
    assert torch.allclose(log_p, torch.from_numpy(columns["log_p"]), atol=0.01)
    hotter = Groups(network(), SMALL, 3).collect(0)[0]
    assert not np.array_equal(hotter["log_p"], columns["log_p"])


def test_tokens_are_paid_for_being_right_in_their_places():
    whole, part = (Groups(network(), replace(SMALL, prompts=100, partial=p), 3).collect(0)[0] for p in (0.0, 0.75))
    assert (whole["paid"] == whole["right"]).all() and not whole["placed"].any()
    assert (part["paid"] == 0.25 * whole["right"]).all() and 0 < part["placed"].mean() < 0.75
    for said, row, length, placed in zip(answered(part), part["text"], part["length"], part["placed"], strict=True):
        wanted = [*row[:3][::-1].tolist(), END]
        hits = [0.75 * (a == b) for a, b in zip(said[:length].tolist(), wanted, strict=False)]
        assert placed[: len(hits)].tolist() == hits and not placed[len(hits) :].any()


def test_play_goes_on_exactly_and_follows_from_the_seed():
    straight, other = Groups(network(), SMALL, 3), Groups(network(), SMALL, 4)
    first = straight.collect(0)[0]
    resumed = Groups(network(), SMALL, 3)
    resumed.restore(straight.state())
    second, again = straight.collect(0)[0], resumed.collect(0)[0]
    assert all(np.array_equal(second[name], again[name]) for name in second)
    assert not np.array_equal(first["text"], second["text"])
    assert not np.array_equal(first["text"], other.collect(0)[0]["text"])


def test_the_level_rises_when_enough_was_right(monkeypatch):
    shares = [0.5, 0.75, 0.5, 1.0, 1.0, 1.0]
    given = iter(shares)

    def judged(rules, rows):
        return np.ones(len(rows)), (np.arange(len(rows)) % 4 < 4 * next(given)) * 1.0

    monkeypatch.setattr(subject.task, "judged", judged)
    player = Groups(network(), replace(SMALL, curriculum=Curriculum(start=1, up=0.75, easier=0.5)), 0)
    levels = []
    for _ in shares:
        columns, _ = player.collect(0)
        levels.append((columns["level"].max(), player.level))
        assert columns["level"].min() >= 1
    assert levels == [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 3)]


def test_shares_of_easier_prompts():
    generator = np.random.default_rng(0)
    levels = dealt(4, 4000, 0.3, generator)
    assert np.bincount(levels, minlength=5) / 4000 == pytest.approx([0, 0.1, 0.1, 0.1, 0.7], abs=0.03)
    assert (dealt(1, 50, 0.9, generator) == 1).all() and (dealt(4, 50, 0.0, generator) == 4).all()


def test_prompts_that_teach_nothing_are_replaced(monkeypatch):
    calls = []

    def judged(rules, rows):
        calls.append(len(rows))
        right = (np.arange(len(rows)) == 0) * 1.0  # one answer of the first group
        return np.ones(len(rows)), right

    monkeypatch.setattr(subject.task, "judged", judged)
    columns, games = Groups(network(), replace(SMALL, refill=2), 0).collect(0)
    assert calls == [24, 20, 16] and len(games) == 60  # one group of 6 is kept, one of 5, and what is left is taken
    assert len(columns["right"]) == 4 + 4 + 16 and columns["right"].sum() == 3
    assert len(set(columns["group"].tolist())) == 6


def test_what_cannot_be_answered_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="A group of one answer has nothing to be compared with"):
        GroupSettings(group=1)
    with pytest.raises(Unable, match="tic_tac_toe is none; try reverse"):
        Groups(Network(game("tic_tac_toe"), "mlp:width=4", ("policy",)), SMALL, 0)
    with pytest.raises(Unable, match="start is level 4, and reverse:length=3,letters=2 has levels 1 to 3; set it"):
        Groups(network(), replace(SMALL, curriculum=Curriculum(start=4)), 0)
    with pytest.raises(
        Unable, match=r"lessons\.level is level 99, and reverse:length=3,letters=2 has levels 1 to 3; set"
    ):
        Lessons(network(), LessonSettings(level=99), 0)
    assert [Lessons(network(), LessonSettings(level=level), 0).level for level in (0, 1, 3)] == [3, 1, 3]
    one = Network(game("reverse:length=1"), "gpt:layers=1,width=8,heads=1", ("token",))
    assert [Groups(one, replace(SMALL, curriculum=Curriculum(start=start)), 0).level for start in (0, 3)] == [1, 1]
    with pytest.raises(ValueError, match="context of 5 is shorter"):
        Network(REVERSE, "gpt:layers=1,width=8,heads=1,context=5", ("token",))
    monkeypatch.setattr(subject.task, "judged", lambda game, rows: (np.ones(len(rows)), np.full(len(rows), np.nan)))
    with pytest.raises(BadReward, match=r"pays nan for the prompt '[ab]{3}='"):
        Groups(network(), SMALL, 0).collect(0)


def test_lessons_are_right():
    player = Lessons(network(), LessonSettings(prompts=30), 0)
    columns, games = player.collect(0)
    assert games == [] and set(columns["level"].tolist()) == {1, 2, 3}
    rows = task.posed(REVERSE, np.arange(30, dtype=np.uint64), columns["level"])
    for name in ("text", "prompted"):
        rows[name] = columns[name]
    for text, start, length in zip(columns["text"], columns["prompted"], columns["length"], strict=True):
        assert decode(text[start : start + length]) == decode(text[: start - 1])[::-1] and text[start + length - 1] == 0
    resumed = Lessons(network(), LessonSettings(prompts=30), 0)
    resumed.restore(player.state())
    assert np.array_equal(resumed.collect(0)[0]["text"], player.collect(0)[0]["text"])


def test_a_share_of_lessons_ends_with_a_flourish():
    plain = Lessons(network(), LessonSettings(prompts=200), 0).collect(0)[0]
    proud = Lessons(network(), LessonSettings(prompts=200, flourish=0.5), 0).collect(0)[0]
    longer = proud["length"] - plain["length"]
    assert set(longer.tolist()) == {0, 1} and (longer[plain["level"] == 3] == 0).all()  # there is no room for it
    assert longer[plain["level"] < 3].mean() == pytest.approx(0.5, abs=0.15)
    before, after = (answered(columns) for columns in (plain, proud))
    for one, other, length, more in zip(before, after, plain["length"], longer, strict=True):
        assert decode(other) == decode(one) + "!" * more and other[length + more - 1] == END
