"""A stored language model plays what it can read, writes as it is told to, and says what it cannot do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from agents.actor import Actor, ActorAgent
from agents.agent import Unable
from agents.language.agent import LanguageAgent
from agents.language.columns import LANES
from agents.language.draws import Picking, draw_tokens
from agents.language.model import logits, parts
from agents.language.sampling import Sampler
from agents.networks import Network, weights
from agents.play import play_games
from agents.registry import agent
from agents.storage import save_agent
from envs import kernels
from envs.game import Game
from envs.registry import game

TINY = "gpt:layers=1,width=8,heads=1,context=40"
TASK = game("reverse")


def network(task: str = "reverse") -> Network:
    made = Network(game(task), TINY, ("token",)).eval()
    with torch.no_grad():
        parts(made)[0].table.mul_(10.0)
    return made


def stored(folder: Path, task: str = "reverse") -> str:
    rules, made = game(task), network(task)
    save_agent(folder / "a", rules, weights(made), backbone=TINY, heads=("token",))
    return str(folder / "a")


def written(one, rules, count: int = 6) -> np.ndarray:
    """Texts of games played to their end."""
    rows, memory = kernels.new_rows(rules, kernels.seeds(0, count)), one.begin(rules, kernels.seeds(1, count))
    while not rows["done"].all():
        decision = one.act(kernels.view(rules, rows), memory)
        memory = decision.memory
        kernels.play_rows(rules, rows, decision.action)
    return rows["text"]


def test_a_stored_model_writes_the_likeliest_tokens_as_the_sampler_does(tmp_path: Path) -> None:
    rows = kernels.new_rows(TASK, kernels.seeds(0, 6))
    language = TASK.language
    assert language is not None
    prompts, prompted = rows["text"][:, : language.prompt], rows["prompted"]
    want = Sampler(network(), 8, False, 1).sample(prompts, prompted, language.answer, kernels.seeds(1, 6), greedy=True)
    text = written(agent(stored(tmp_path)), TASK)
    for i in range(6):
        assert text[i, prompted[i] : prompted[i] + want.length[i]].tolist() == want.tokens[i, : want.length[i]].tolist()


def read_anew(net: Network, rules: Game, temperature: float, count: int = 6) -> np.ndarray:
    """The texts that `written` gives of who reads each text from its beginning before each of its tokens."""
    rows, rng = kernels.new_rows(rules, kernels.seeds(0, count)), kernels.seeds(1, count)
    drawn, places = np.zeros((2, count, 1), np.float32), np.arange(count)
    while not rows["done"].all():
        with torch.no_grad():
            scores = logits(net, torch.from_numpy(rows["text"][:, : rules.shape[2]].astype(np.int64))).numpy()
        columns = np.zeros((rules.actions, LANES), np.float32)
        columns[:, :count] = scores[places, rows["written"] - 1].T
        tokens, length = np.zeros((count, 1), np.uint8), np.zeros(count, np.int64)
        picking = Picking.of(temperature or 1.0, greedy=temperature == 0.0)
        draw_tokens(columns, places, places, picking, rng, tokens, length, *drawn)
        kernels.play_rows(rules, rows, tokens[:, 0].astype(np.int64))
    return rows["text"]


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_answers_written_at_once_are_those_of_who_reads_them_anew_at_each_token(temperature: float) -> None:
    want = read_anew(network(), TASK, temperature)
    one = LanguageAgent(network(), "a", temperature=temperature)
    assert (written(one, TASK) == want).all()
    other = LanguageAgent(network(), "a", temperature=2.0)
    assert (written(other, TASK) != want).any()


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_what_follows_a_token_that_it_did_not_choose_is_written_anew(temperature: float) -> None:
    one = LanguageAgent(network(), "a", temperature=temperature)
    rows, memory = kernels.new_rows(TASK, kernels.seeds(0, 4)), one.begin(TASK, kernels.seeds(1, 4))
    planned = one.act(kernels.view(TASK, rows), memory)
    played = np.where(np.arange(4) < 2, planned.action, (planned.action + 1) % 64)
    kernels.play_rows(TASK, rows, np.where(rows["done"], -1, played))
    decided = one.act(kernels.view(TASK, rows), planned.memory)
    fresh = {**one.begin(TASK, kernels.seeds(1, 4)), "rng": planned.memory["rng"]}
    assert decided.action.tolist() == one.act(kernels.view(TASK, rows), fresh).action.tolist()
    kept = (decided.memory["text"] == planned.memory["text"]).all(1)
    assert kept.tolist() == [True, True, False, False]


def test_it_says_how_likely_each_token_was_when_it_is_asked() -> None:
    rows = kernels.new_rows(TASK, kernels.seeds(0, 3))
    view = kernels.view(TASK, rows)
    one = LanguageAgent(network(), "a")
    said = one.act(view, one.begin(TASK, kernels.seeds(1, 3)))
    assert set(said.extra) == {"value", "policy"} and "q" not in said.extra
    assert (said.extra["policy"].argmax(1) == said.action).all()
    np.testing.assert_allclose(said.extra["policy"].sum(1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("other", ["reverse:split=test", "reverse:length=5", "sort"])
def test_it_plays_other_tasks_of_its_tokens(tmp_path: Path, other: str) -> None:
    assert len(written(agent(stored(tmp_path)), game(other))) == 6


def test_what_is_no_language_model_plays_the_held_out_prompts_of_its_task() -> None:
    plain = ActorAgent(Actor(Network(TASK, "mlp:width=8", ("policy", "returns"))), "plain")
    apart = game("reverse:split=test")
    assert len(play_games(apart, [plain], np.zeros((3, 1), int), kernels.seeds(0, 3))) == 3
    with pytest.raises(Unable, match="cannot play reverse:length=5"):
        plain.begin(game("reverse:length=5"), kernels.seeds(0, 1))


def test_it_draws_among_the_likeliest_as_told() -> None:
    rules = game("reverse")
    rows = kernels.new_rows(rules, np.zeros(400, np.uint64))
    view = kernels.view(rules, rows)
    with torch.no_grad():
        text = torch.from_numpy(rows["text"][:1, : rows["prompted"][0]].astype(np.int64))
        order = logits(network(), text)[0, -1].argsort(descending=True).tolist()
    for options, most in (({"temperature": 1.0, "top_k": 2}, 2), ({"temperature": 0.0}, 1)):
        one = LanguageAgent(network(), "a", **options)  # pyright: ignore[reportArgumentType]
        action = one.act(view, one.begin(rules, kernels.seeds(0, 400))).action
        assert set(action.tolist()) == set(order[:most])
    one = LanguageAgent(network(), "a", temperature=1.0)
    assert len(set(one.act(view, one.begin(rules, kernels.seeds(0, 400))).action.tolist())) > 5


def test_it_plays_the_board_that_its_task_tells_of(tmp_path: Path) -> None:
    one, board = agent(stored(tmp_path, "move") + ":retries=1"), game("tic_tac_toe")
    view = kernels.view(board, kernels.new_rows(board, kernels.seeds(0, 3)))
    assert len(one.act(view, one.begin(board, kernels.seeds(0, 3))).forfeits) == 3


def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    with pytest.raises(Unable, match="texts of at most 40"):
        agent(folder).begin(game("tic_tac_toe"), kernels.seeds(0, 1))
    with pytest.raises(Unable, match="cannot play"):
        short = Network(game("reverse:length=4"), "gpt:layers=1,width=8,heads=1", ("token",))
        LanguageAgent(short, "short").begin(game("reverse:length=5"), kernels.seeds(0, 1))
    for options, says in (("top_k=-1", "top_k"), ("top_p=2", "top_p"), ("retries=1", "omit retries"), ("top=1", "top")):
        with pytest.raises(ValueError, match=says):
            agent(f"{folder}:{options}")
