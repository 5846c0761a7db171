"""arena.toml: what is wrong is one sentence that names it; what is right comes back the same."""

import math
import tomllib
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.agent import Unable
from agents.ranges import within
from arena.config import build, check_same_run, load, model_of, resolved
from arena.population import composing
from arena.run import alone, plan_of
from arena.sections import ConfigError
from arena.toml import dumps, literal, parse_value

CLUSTER = "10.0.0.1:6379"


def test_the_resolved_file_says_everything_and_loads_to_the_same():
    config = load(None, ["run.seed=7", "self_play.search.simulations=33", "learner.batch=64"])
    text = resolved(config)
    tree = tomllib.loads(text)
    assert build(tree) == config
    assert tree["self_play"]["search"]["simulations"] == 33
    assert tree["learner"]["batch"] == 64 and tree["learner"]["algorithm"] == "alphazero"
    assert f"minutes = {config.run.minutes}  # " in text
    assert "batch = 64  # positions a step" in text


def test_overrides_are_toml_or_else_text():
    config = load(None, ["game.name=othello:size=6", "workers.count=0", "run.minutes = 2", 'league.anchors=["random"]'])
    assert config.game.name == "othello:size=6"
    assert (config.worker_count, config.run.minutes, config.league.anchors) == (0, 2.0, ("random",))
    assert load(None, ["workers.count=auto"]).worker_count >= 1


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("run.minuts=3", "[run] has no key 'minuts'; did you mean 'minutes'?"),
        ("network.minutes=3", "[network] has no key 'minutes'; it belongs in [run]."),
        ("run.minutes=long", "[run] minutes must be a number, not 'long'."),
        ("run.minutes=true", "[run] minutes must be a number, not true."),
        ("run.minutes=0", "[run] minutes = 0: it should be greater than 0."),
        ("run.minutes=inf", "[run] minutes = inf: it should be a finite number."),
        ("run.seed=1.5", "[run] seed must be a whole number, not 1.5."),
        ("run.name=../x", "[run] name must be letters, digits, dots, dashes and underscores, not '../x'."),
        ("ppo.clip=0.1", "there is no section [ppo]; what ppo takes is in [learner]"),
        ("runn.seed=1", "there is no section [runn]; did you mean 'run'?"),
        ("game.name=connect4", "There is no game 'connect4'; did you mean 'connect_four'?"),
        ("network.backbone=resnett", "There is no backbone 'resnett'; did you mean 'resnet'?"),
        ("league.anchors=['randm']", "[league] anchors: there is no agent 'randm'; did you mean 'random'?"),
        ("league.anchors=['exec:./bot']", "[league] anchors: 'exec:./bot' is not for anchors because its games are"),
        ("league.anchors=['http://127.0.0.1:80']", "'http://127.0.0.1:80' is not for anchors because its games"),
        ("league.anchors=['best:go']", "'best:go' is not for anchors because it is another agent from one day to"),
        ("evaluation.opponents=['human']", "[evaluation] opponents: 'human' is not for opponents because its games"),
        ("evaluation.opponents=['untrained']", "is not for opponents because it is a model before it was trained"),
        ("league.anchors=3", "[league] anchors must be a list in square brackets, not 3."),
        ("workers.count=-1", "It must be \"auto\" or a whole number from 0 to 4096."),
        ("workers.count=1000000000", "It must be \"auto\" or a whole number from 0 to 4096."),
        ("workers.count=true", "It must be \"auto\" or a whole number from 0 to 4096."),
        ("learner.algorithm=alphazer", "There is no algorithm 'alphazer'; did you mean 'alphazero'?"),
        ("learner.bach=1", "[learner] has no key 'bach'; did you mean 'batch'?"),
        ("self_play.search.kind=uct", "[self_play.search] kind = 'uct': it should be 'puct' or 'gumbel'."),
        ("self_play.search.simulatons=9", "[self_play.search] has no key 'simulatons'; did you mean 'simulations'?"),
        ("self_play.search=9", "[self_play] search must be a table, not 9."),
        ("self_play.full_share=0", "[self_play] full_share must lie in (0, 1], and 0.0 does not."),
        ("self_play.lanes=0", "[self_play] lanes must lie in [1, inf), and 0 does not."),
        ("self_play.fast_simulations=0", "[self_play] fast_simulations must lie in [1, 100000], and 0 does not."),
        ("self_play.temperature_end=0", "[self_play] temperature_end must lie in (0, inf), and 0.0 does not."),
        ("self_play.search.simulations=-1", "[self_play.search] simulations must lie in [0, 100000], and -1 does not."),
        ("self_play.search.simulations=0", "[self_play] Self-play learns from what a search finds"),
        ("self_play.search.noise_share=1.5", "[self_play.search] noise_share must lie in [0, 1], and 1.5 does not."),
        ("learner.batch=0", "[learner] batch must lie in [1, inf), and 0 does not."),
        ("learner.average=1", "[learner] average must lie in [0, 1), and 1.0 does not."),
        ("league.anchors=[]", "[league] anchors must hold one member at least"),
        ("league.snapshot_minutes=-1", "[league] snapshot_minutes must lie in [0, inf), and -1.0 does not."),
        ("league.rating_pairs=0", "[league] rating_pairs must lie in [1, inf), and 0 does not."),
        ("run=3", "write it as section.key=value"),
        ("nonsense", "write it as section.key=value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(override, sentence):
    with pytest.raises(ConfigError) as problem:
        load(None, [override])
    assert sentence in str(problem.value)
    assert "\n" not in str(problem.value)


GATED = "network.backbone=gru:width=8"


@pytest.mark.parametrize(
    ("algorithm", "played", "settings", "more", "sentence"),
    [
        ("ppo", "cart_pole", ["rollouts.lanes=4", "rollouts.steps=32"], "workers.count=2", "a round has at most 128"),
        ("ppo", "connect_four", ["rollouts.lanes=1"], "rollouts.lanes=2", "a round has at most 128 decisions; lower"),
        ("pqn", "cart_pole", ["learner.batch=257"], "learner.batch=256", "batch is 257, and a round has at most 256"),
        ("grpo", "reverse", ["groups.prompts=4", "groups.group=8"], "learner.batch=32", "and a round has 32 answers"),
        ("dqn", "cart_pole", ["learner.burn_in=8", GATED], "rollouts.steps=9", "burn_in = 8 leaves nothing to learn"),
        (
            "dqn",
            "cart_pole",
            ["learner.burn_in=8", GATED],
            "network.backbone=mlp",
            "burn_in = 8 leaves nothing to learn",
        ),
        ("dqn", "cart_pole", ["learner.atoms=5", "learner.low=10.0"], "learner.high=11.0", "[learner] low must be"),
        ("alphazero", "connect_four", ["learner.window=500"], "learner.batch=500", "must each hold a batch of 512;"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(algorithm, played, settings, more, sentence):
    given = [f"learner.algorithm={algorithm}", f"game.name={played}", "workers.count=0", *settings]
    with pytest.raises(ConfigError) as problem:
        plan_of(load(None, given))
    assert sentence in str(problem.value)
    assert plan_of(load(None, [*given, more])).algorithm == algorithm


@pytest.mark.parametrize(("algorithm", "played"), [("q_learning", "frozen_lake"), ("deep_cfr", "leduc")])
def test_who_plays_by_itself_has_no_workers(algorithm, played):
    """In a league of one it has: they play the rating games."""
    by_itself = [f"learner.algorithm={algorithm}", f"game.name={played}"]
    plan = alone(load(None, by_itself), None)
    assert (plan.workers, plan.ray) == (0, False) and plan_of(load(None, by_itself)).ray
    for words, address in (([*by_itself, "workers.count=2"], None), (by_itself, CLUSTER)):
        with pytest.raises(Unable, match=f"^{algorithm} plays by itself, .* nothing to do; say --workers 0"):
            alone(load(None, words), address)
    others = load(None, ["learner.algorithm=pqn", "game.name=kuhn", "workers.count=2"])
    assert alone(others, CLUSTER) == plan_of(others, CLUSTER)


@pytest.mark.parametrize("count", [0, 1])
def test_a_cluster_on_which_nobody_would_play_is_refused(count):
    words = [f"workers.count={count}"]
    one = partial(plan_of, load(None, ["learner.algorithm=pqn", "game.name=kuhn", *words]), CLUSTER)
    many = partial(composing.plan_of, composing.compose("self-play", "kuhn", None, words), CLUSTER)
    for plan in (one, many):
        if count:
            assert plan().address == CLUSTER
        else:
            with pytest.raises(ConfigError, match=r"^Workers play at --address, and there are none; give"):
                plan()


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [("[0, 1]", (0, 1, 0.5), (-0.1, 1.1)), ("(0, 1)", (0.5,), (0, 1)), ("(0, inf)", (1e300,), (0.0, math.inf))],
)
def test_intervals_are_read_as_mathematics_writes_them(interval, inside, outside):
    for value in inside:
        within(SimpleNamespace(share=value), share=interval)
    for value in (*outside, math.nan):
        with pytest.raises(ValueError, match="share must lie in"):
            within(SimpleNamespace(share=value), share=interval)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="There is no"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "bad.toml").write_text("[run\n")
    with pytest.raises(ConfigError, match=r"bad.toml is not TOML.*line 1"):
        load(tmp_path / "bad.toml")
    for text in ("a = " + "[" * 5000, "a = " + "9" * 5000):  # deeper, and longer, than Python reads
        (tmp_path / "bad.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"bad.toml is not TOML"):
            load(tmp_path / "bad.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "bytes.toml")
    (tmp_path / "flat.toml").write_text("run = 3\n")
    with pytest.raises(ConfigError, match=r"flat.toml: run is a section; write \[run\]"):
        load(tmp_path / "flat.toml")


def test_a_runs_folder_keeps_to_its_game(tmp_path):
    config = load(None)
    path = tmp_path / "config.toml"
    check_same_run(config, path)
    path.write_text(resolved(config))
    check_same_run(load(None, ["run.seed=5"]), path)
    with pytest.raises(ConfigError, match="a run of the game 'connect_four', not 'tic_tac_toe'"):
        check_same_run(load(None, ["game.name=tic_tac_toe"]), path)
    path.write_text("half of it = ")
    with pytest.raises(ConfigError, match="damaged"):
        check_same_run(config, path)


def test_a_components_settings_become_a_strict_section_with_its_own_defaults():
    @dataclass(frozen=True)
    class Inner:
        depth: int = 1

    @dataclass(frozen=True)
    class Settings:
        kind: Literal["a", "b"] = "a"
        names: tuple[str, ...] = ("x",)
        inner: Inner = field(default_factory=lambda: Inner(7))

    made = model_of(Settings()).model_validate({"names": ["y", "z"]})
    assert made.model_dump() == {"kind": "a", "names": ("y", "z"), "inner": {"depth": 7}}


plain = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
tables = st.dictionaries(st.text(), plain | st.dictionaries(st.text(), plain, max_size=3), max_size=4)


@given(tables)
def test_toml_comes_back_the_same(tree):
    assert tomllib.loads(dumps(tree)) == tree


@given(plain)
def test_a_value_comes_back_the_same(value):
    assert parse_value(literal(value)) == value


@given(st.text())
def test_a_value_typed_by_anyone_is_a_value(text):
    parse_value(text)


sections = ["run", "game", "network", "learner", "self_play", "workers", "league", "viewer", "rnu"]
keys = ["name", "seed", "minutes", "backbone", "algorithm", "batch", "search", "count", "anchors", "kind", "x"]
values = st.none() | plain | st.dictionaries(st.sampled_from(keys), plain, max_size=2)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sections), values | st.dictionaries(st.sampled_from(keys), values, max_size=3)))
def test_any_tree_is_a_configuration_or_one_sentence(tree):
    try:
        config = build(tree)
    except ConfigError as problem:
        assert "\n" not in str(problem) or "\\n" in repr(tree)
    else:
        assert build(tomllib.loads(resolved(config))) == config


def test_an_algorithm_may_have_other_defaults_for_some_games_and_what_is_given_stands_above_them():
    open_game = build({"learner": {"algorithm": "ppo"}, "game": {"name": "connect_four"}})
    hidden = build(
        {"learner": {"algorithm": "ppo", "entropy": 0.5}, "game": {"name": "kuhn"}, "rollouts": {"steps": 9}}
    )
    assert open_game.learner.average == 0.0 and open_game.playing.lanes == 32
    assert hidden.learner.average > 0.0 and hidden.learner.discount == 1.0 and hidden.playing.lanes == 1024
    assert hidden.learner.entropy == 0.5 and hidden.playing.steps == 9
    engine = build({"learner": {"algorithm": "ppo"}, "game": {"name": "kuhn"}, "run": {"engine": "sb3"}})
    assert engine.learner == replace(hidden.learner, entropy=engine.learner.entropy, average=0.0)  # it keeps no mean


def test_whole_hands_are_for_who_learns_from_them():
    hands = {"game": {"name": "leduc"}, "rollouts": {"hands": 100}}
    assert build({"learner": {"algorithm": "ppo"}, **hands}).playing.hands == 100
    with pytest.raises(ConfigError, match=r"a2c learns from every decision .* leave rollouts.hands out"):
        build({"learner": {"algorithm": "a2c"}, **hands})
    with pytest.raises(ConfigError, match=r"our own training loop; leave --engine or rollouts.hands out"):
        build({"learner": {"algorithm": "ppo"}, "run": {"engine": "rllib"}, **hands})


def test_games_that_begin_with_random_moves_are_our_own_loops_and_no_whole_hands():
    asked = {"learner": {"algorithm": "ppo"}, "rollouts": {"opening_share": 0.5}}
    assert build({"game": {"name": "leduc"}, **asked}).playing.hands == 0
    with pytest.raises(ConfigError, match=r"our own training loop; leave --engine or opening_share out"):
        build({"game": {"name": "connect_four"}, "run": {"engine": "sb3"}, **asked})


def test_a_network_that_remembers_takes_the_settings_of_plain_rollouts():
    asked = {"game": {"name": "leduc"}, "learner": {"algorithm": "ppo"}}
    assert build({**asked, "network": {"backbone": "mlp:width=8"}}).playing.hands > 0
    memory = build({**asked, "network": {"backbone": "gru:width=8"}})
    assert memory.playing.hands == 0 and memory.learner == build({**asked, "rollouts": {"hands": 0}}).learner
    with pytest.raises(ConfigError, match="wdith"):
        build({**asked, "network": {"backbone": "gru:wdith=8"}})
