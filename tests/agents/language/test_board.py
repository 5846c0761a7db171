"""A language model at a board: what it writes is played, asked for again, or forfeited."""

from __future__ import annotations

import numpy as np
import pytest

from agents.agent import Unable
from agents.language.board import BoardPlayer
from agents.language.sampling import Samples
from agents.networks import Network
from agents.play import play_games
from agents.scripted.random import Random
from envs import kernels
from envs.language.move import move
from envs.language.reverse import reverse
from envs.language.vocabulary import END, decode, encode
from envs.registry import game

TINY = "gpt:layers=1,width=8,heads=1"
BOARD = game("tic_tac_toe")


def player(**options):
    return BoardPlayer(Network(move(), TINY, ("token",)), "told", **options)


def writing(monkeypatch, one, write):
    """Lets a player write `write(prompt, attempt)`; returns the prompts that it was given."""
    seen = []

    def sample(prompts, prompted, most, seeds, temperature, greedy):
        words = [encode(write(decode(prompt), len(seen))) for prompt in prompts]
        seen.append(([decode(prompt) for prompt in prompts], temperature, greedy))
        tokens = np.full((len(words), most), END, np.uint8)
        for i, word in enumerate(words):
            tokens[i, : len(word)] = word
        length = np.array([min(most, len(word) + 1) for word in words])
        return Samples(tokens, length, np.zeros(tokens.shape, np.float32), np.zeros(tokens.shape, np.float32))

    monkeypatch.setattr(one.sampler, "sample", sample)
    return seen


def positions(*lines):
    rows = np.zeros(len(lines), BOARD.row)
    kernels.reset_rows(BOARD, rows, np.zeros(len(lines), np.uint64))
    for i, line in enumerate(lines):
        for name in line.split():
            kernels.play_rows(BOARD, rows[i : i + 1], np.array([BOARD.action(name)]))
    return kernels.view(BOARD, rows)


def acted(one, view):
    return one.act(view, one.begin(BOARD, np.arange(len(view.obs), dtype=np.uint64)))


def test_what_it_writes_is_its_move(monkeypatch):
    one = player()
    seen = writing(monkeypatch, one, lambda prompt, attempt: "b2" if prompt == ".../.../...:" else "c1")
    decision = acted(one, positions("", "a3"))
    assert [BOARD.names[a] for a in decision.action] == ["b2", "c1"] and not decision.forfeits
    assert seen == [([".../.../...:", "o../.../...:"], 1.0, True)]


@pytest.mark.parametrize("word", ["a3", "zz", "", "b"])
def test_text_that_is_no_legal_move_forfeits_its_own_game(monkeypatch, word):
    one = player()
    writing(monkeypatch, one, lambda prompt, attempt: word if "o" in prompt else "a1")
    decision = acted(one, positions("", "a3"))
    assert BOARD.names[decision.action[0]] == "a1"
    assert decision.forfeits.keys() == {1} and decision.forfeits[1].kind == "illegal"
    assert f"'{word}'" in decision.forfeits[1].text


def test_it_is_asked_again_where_it_was_wrong_alone(monkeypatch):
    one = player(retries=2)
    seen = writing(monkeypatch, one, lambda prompt, attempt: "b2" if attempt == 2 or "o" not in prompt else "a3")
    decision = acted(one, positions("", "a3"))
    assert [BOARD.names[a] for a in decision.action] == ["b2", "b2"] and not decision.forfeits
    assert [(len(prompts), greedy) for prompts, _, greedy in seen] == [(2, True), (1, False), (1, False)]


def test_games_are_forfeited_and_counted_like_any_other():
    finished = play_games(
        BOARD, [player(), Random()], np.array([[0, 1]] * 4), np.arange(4, dtype=np.uint64), referee=True
    )
    assert all(one.reward == (-1.0, 1.0) and not one.moves for one in finished)


def test_the_same_seed_writes_the_same(monkeypatch):
    one = player(temperature=1.0, retries=1)
    first, second = (acted(one, positions("", "a3", "b2")) for _ in range(2))
    assert (first.action == second.action).all() and first.forfeits == second.forfeits
    assert (first.memory["rng"] == second.memory["rng"]).all()


def test_who_it_cannot_be_and_what_it_cannot_play():
    with pytest.raises(Unable, match="tells of no board"):
        BoardPlayer(Network(reverse(length=2), TINY, ("token",)), "x")
    with pytest.raises(Unable, match="cannot play connect_four"):
        player().begin(game("connect_four"), np.zeros(1, np.uint64))
    for options, name in (({"retries": -1}, "retries"), ({"temperature": -1.0}, "temperature")):
        with pytest.raises(ValueError, match=name):
            player(**options)
