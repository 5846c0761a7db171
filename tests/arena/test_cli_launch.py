"""Commands that hand over to others, which stand-ins are here: what they are told."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from arena.cli.launch import _hint
from arena.leaderboard import Leaderboard, Line
from arena.replays import LeagueGames
from arena.sections import SAID
from arena.store import Store

pytestmark = pytest.mark.usefixtures("here")

LINE = Line(1, "random", "anchor", 0.0, -1.0, 1.0, 4, 0.5, None, {"random": None}, None, None, None)
BOARD = Leaderboard("tic_tac_toe", [LINE], ["random"], "random", 2, 0.0, 1.0)


@pytest.fixture
def calls(monkeypatch):
    """What was handed over, in place of doing it."""
    made: list = []

    def stand_in(*arguments, **more):
        made.append((arguments, more))
        return more.get("export")

    import arena.bench
    import arena.league
    import arena.run
    import arena.viewers.watch

    def begun(config, **more):
        arena.run.write_config(config, config.folder)
        (config.folder / "state").mkdir(exist_ok=True)
        stand_in(config, **more)
        return {"agent": "runs/x/agents/x-1", "seats": 2}

    monkeypatch.setattr(arena.league, "run_league", lambda config, **more: (begun(config, **more), BOARD)[1])
    monkeypatch.setattr(arena.run, "run_training", begun)
    for name in ("watch_match", "watch_game", "watch_league", "play"):
        monkeypatch.setattr(arena.viewers.watch, name, stand_in)
    row = {"bench": "rules", "subject": "s", "ours": 2.0, "peer": None, "theirs": None, "unit": "u", "ratio": None,
           "runs": 1, "note": "install it"}  # fmt: skip
    monkeypatch.setattr(arena.bench, "run", lambda *a, **k: (stand_in(*a, **k), [("rules", [row])])[1])
    return made


def test_league_hands_over_its_configuration(arena, calls):
    code, _, err = arena("league", "--minutes", "2", "--workers", "0", "--set", "game.name=tic_tac_toe", "--headless")
    assert (code, err) == (0, "")
    (config,), more = calls[0]
    assert (config.run.minutes, config.worker_count, config.game.name) == (2.0, 0, "tic_tac_toe")
    assert config.viewer.watch is False and more == {"address": None}
    assert 'name = "tic_tac_toe"' in Path("runs/league/config.toml").read_text()
    assert arena("league", "--set", "game.name=tic_tac_toe")[0] == 0
    code, _, err = arena("league")
    assert code == 2 and "is a run of the game 'tic_tac_toe', not 'connect_four'" in err


def test_league_reads_the_file_that_is_here(arena, calls):
    Path("arena.toml").write_text('[run]\nname = "mine"\nminutes = 9\n')
    assert arena("league")[0] == 0
    assert calls[0][0][0].run.name == "mine"
    code, _, err = arena("league", "--set", "run.steps=5")
    assert code == 2 and "take run.steps out" in err
    code, _, err = arena("league", "kuhn", "--preset", "alphastar", "--set", "run.steps=5")
    assert code == 2 and "[run] steps is for one learner" in err
    assert arena("league", "--watch")[0] == 0
    assert calls[1][0][0].viewer.watch is True


def test_a_league_of_one_learner_ends_in_the_table_or_its_document(arena, calls):
    assert "tic_tac_toe: 2 rated games" in arena("league", "tic_tac_toe")[1]
    code, out, err = arena("league", "tic_tac_toe", "--json")
    told = json.loads(out)
    assert (code, err, told["game"], told["lines"][0]["name"]) == (0, "", "tic_tac_toe", "random")


def test_a_runs_folder_is_no_league_of_many(arena, calls):
    assert arena("league", "tic_tac_toe", "--set", "run.name=x")[0] == 0
    code, _, err = arena("league", "runs/x")
    assert code == 2 and "runs/x is a run of one learner" in err and "`arena verify runs/x`" in err
    Path("runs/x/league.toml").write_text("")
    code, _, err = arena("league", "runs/x")
    assert code == 2 and "has shown nothing yet; give again the command that began it" in err
    code, _, err = arena("league", "--config", "runs/x/config.toml")
    assert code == 2 and "add --preset runs/x/league.toml" in err
    code, _, err = arena("league", "tic_tac_toe", "--set", "run.name=x")
    assert code == 2 and "runs/x is a league of many learners; give this one another run.name" in err


def test_a_folder_with_the_name_of_its_game_is_no_bar_to_playing_it(arena, calls):
    for document in ("config.toml", "league.json"):
        (Path("tic_tac_toe") / document).parent.mkdir(exist_ok=True)
        (Path("tic_tac_toe") / document).write_text("")
        assert arena("league", "tic_tac_toe", "--minutes", "1")[0] == 0
    assert len(calls) == 2


@pytest.mark.parametrize("key", SAID["train"])
def test_what_train_says_itself_is_not_set_besides(arena, calls, key):
    code, _, err = arena("train", "ppo", "kuhn", "--set", f"{key}{'' if '.' in key else '.x'}=1")
    assert code == 2 and SAID["train"][key] in err and not calls


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train ppo kuhn --minutes 5 --set run.steps=100", "--set run.steps=100 and --minutes both say when to stop"),
        ("train ppo kuhn --set run.minutes=5 --set run.steps=9", "both say when to stop; choose one."),
        ("train ppo kuhn --seed 4 --set run.seed=3", "--seed says that already; leave one out."),
        ("train ppo kuhn --set learner.algorithm.x=3", "leave learner.algorithm.x out"),
        ("train ppo kuhn --backbone mlp --set network.backbone=gru", "--backbone says that already"),
        ("league --minutes 5 --set run.minutes=9", "--minutes says that already"),
        ("league kuhn --preset psro --set game.name=leduc", "GAME says that already"),
    ],
)
def test_what_is_said_twice_is_refused(arena, calls, words, said):
    code, _, err = arena(*words.split())
    assert code == 2 and said in err and not calls


def test_spaces_around_a_dot_are_no_other_setting(arena, calls):
    code, _, err = arena("train", "ppo", "kuhn", "--minutes", "5", "--set", "run . steps=100")
    assert code == 2 and "both say when to stop" in err and not calls


def test_train_hands_over_its_configuration(arena, calls):
    arguments = (
        "train",
        "alphazero",
        "tic_tac_toe",
        "--backbone",
        "mlp",
        "--steps",
        "7",
        "--out",
        "deep/ttt",
        "--seed",
        "3",
    )
    Path("deep/ttt").mkdir(parents=True)
    Path("deep/ttt/config.toml").write_text("")  # of one that was refused
    assert arena(*arguments)[0] == 0
    (config,), more = calls[0]
    assert config.folder == Path("deep/ttt") and config.run.seed == 3 and config.network.backbone == "mlp"
    assert config.run.steps == 7 and more == {"address": None}
    code, _, err = arena(*arguments)
    assert code == 2 and "add --resume" in err
    assert arena(*arguments, "--resume")[0] == 0
    code, _, err = arena("train", "ppo", *arguments[2:], "--resume")
    assert code == 2 and err == "deep/ttt is a run of the algorithm 'alphazero', not 'ppo'; name another --out.\n"
    code, _, err = arena(*arguments, "--resume", "--set", "learner.gamma=1")
    assert code == 2 and "[learner] has no key 'gamma'; there are: " in err


@pytest.mark.parametrize(("algorithm", "seats"), [("ppo", 2), ("ppo", 1), ("reward_model", 1)])
def test_what_is_to_be_tried_next_can_be_pasted_into_a_shell(algorithm, seats):
    made = "my runs/it's/agents/x-1"
    said = _hint(algorithm, "kuhn", {"agent": made, "seats": seats, "held_out": "kuhn"})
    words = shlex.split(said.partition("`")[2].rpartition("`")[0])
    assert words[0] == "arena" and any(word.endswith(made) for word in words)


def test_the_best_agent_is_named_where_one_was_kept(tmp_path):
    done = {"agent": str(tmp_path / "agents" / "x-1"), "seats": 1, "held_out": "cart_pole"}
    assert "The best of" not in _hint("ppo", "cart_pole", done)
    (tmp_path / "best").mkdir()
    assert _hint("ppo", "cart_pole", done).endswith(f"in training is in {tmp_path / 'best'}.\n")
    judged = {**done, "metrics": {"eval/best_fresh_reward": 0.85, "eval/best_fresh_error": 0.1234}}
    assert _hint("ppo", "cart_pole", judged).endswith("best; in fresh games it got 0.85 ± 0.12.\n")


def test_what_is_set_is_not_undone_by_what_was_not_typed(arena, calls):
    arguments = ("train", "alphazero", "tic_tac_toe", "--out", "deep/ttt")
    first = ("--set", "run.seed=3", "--set", "network.backbone=mlp", "--set", "learner.batch=64", "--workers", "0")
    assert arena(*arguments, *first)[0] == 0
    (config,), _ = calls[0]
    assert (config.run.seed, config.network.backbone, config.learner.batch) == (3, "mlp", 64)
    assert arena(*arguments, "--resume", "--set", "learner.clip=2.0", "--minutes", "9")[0] == 0
    (again,), _ = calls[1]
    assert again == replace(
        config, learner=replace(config.learner, clip=2.0), run=config.run.model_copy(update={"minutes": 9.0})
    )
    assert arena(*arguments, "--resume", "--seed", "4")[0] == 0
    assert calls[2][0][0].run.seed == 4 and calls[2][0][0].learner.clip == 2.0


@pytest.mark.parametrize("command", ["league --workers 0", "train alphazero tic_tac_toe --workers 0 --steps 1"])
def test_a_run_folder_that_cannot_be_written(arena, command):
    Path("runs").write_text("a file where the folder should be")
    code, _, err = arena(*command.split())
    assert code == 2 and "cannot be written" in err


def test_watch_and_play_hand_over(arena, calls, played):
    calls.clear()
    assert (
        arena("watch", "tic_tac_toe", "first", "random", "--seed", "4", "--export", "a.png")[2] == "Written to a.png.\n"
    )
    (rules, agents), more = calls[0]
    assert rules.name == "tic_tac_toe" and [a.name for a in agents] == ["first", "random"] and more["seed"] == 4
    with Store.read("arena.db") as store:
        some = store.newest()
    assert some is not None
    assert arena("watch", "--game-id", some.id[:12], "--analyst", "first")[0] == 0
    shown = calls[1][0][0]
    assert (shown.names, list(shown.moves), shown.seed) == (some.seats, some.moves, some.seed)
    assert arena("watch", "--league", "tic_tac_toe", "--purpose", "tournament", "--analyst", "none")[0] == 0
    assert calls[2][0][0] == LeagueGames(Path("arena.db"), "tic_tac_toe", "tournament", None, "none")
    assert arena("play", "tic_tac_toe", "--against", "first", "--seat", "1")[0] == 0
    assert calls[3][0][2] == 1


def test_bench_prints_rows(arena, calls):
    code, out, err = arena("bench", "rules", "--runs", "2", "--option", "a=b", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)[0]["bench"] == "rules"
    assert calls[0][1]["options"] == {"a": "b"} and calls[0][1]["runs"] == 2
    code, out, err = arena("bench", "rules")
    assert out.startswith("bench") and err == "install it\n"


@pytest.mark.parametrize("json_too", [False, True])
def test_what_one_benchmark_ends_of_does_not_lose_the_others(json_too, arena, calls, monkeypatch):
    import arena.bench as benches

    ((name, rows),) = benches.run()
    failed, crashed = ("games", benches.BenchFailed("no disk.")), ("goal", benches.BenchCrashed("exit code 1."))

    for found, stop, code, said in (
        ([failed, (name, rows)], False, 1, "games: no disk.\n"),
        ([failed], False, 2, "games: no disk.\n"),
        ([crashed], False, 1, "goal: exit code 1.\n"),
        ([failed, crashed], False, 1, "games: no disk.\ngoal: exit code 1.\n"),
        ([(name, rows)], True, 130, "Stopped; what was measured by then is above.\n"),
        ([], True, 130, "Stopped; nothing was measured by then.\n"),
    ):

        def told(*given, found=found, stop=stop, **more):
            yield from found
            if stop:
                raise KeyboardInterrupt

        monkeypatch.setattr(benches, "run", told)
        ended, out, err = arena("bench", *(["--json"] if json_too else []))
        assert ended == code and err.endswith(said)
        if (name, rows) not in found:
            assert out == ""
        elif json_too:
            assert json.loads(out) == rows
        else:
            assert "rules" in out
