"""Trained agents as entrants: one name for one way of playing, and folders that are checked."""

import json
import shutil

import numpy as np
import pytest

from agents.networks import Network, weights
from agents.storage import save_agent
from arena import cli
from arena.checkpoint import save_state
from arena.config import load, resolved
from arena.entrants import weights_digest
from arena.specs import expand
from arena.store import Store, StoredGame, StoreError
from arena.tournament import contest, enter
from envs.registry import Unknown, game


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rules = game("tic_tac_toe")
    network = Network(rules, "mlp:width=16", ("policy", "value"))
    path = tmp_path / "agents" / "net"
    save_agent(path, rules, weights(network), backbone="mlp:width=16", heads=("policy", "value"))
    return path


def test_an_agent_goes_by_its_folder_and_its_simulations(folder):
    entered = contest("tic_tac_toe", [str(folder), f"{folder}:sims=5", f"{folder}:sims=0", "random"])
    assert list(entered.entrants) == ["net:sims=600", "net:sims=5", "net:sims=0", "random"]
    with pytest.raises(ValueError, match="both called 'net:sims=5'"):
        contest("tic_tac_toe", [f"{folder}:sims=5", f"{folder}:sims=5"])
    with pytest.raises(ValueError, match="cannot play connect_four"):
        contest("connect_four", [str(folder), "random"])


def test_folders_whose_names_cannot_be_agents(folder):
    colon, bytes_ = folder.with_name("a:b"), folder.with_name("n\udcff")
    for other in (colon, bytes_):
        shutil.copytree(folder, other)
    with pytest.raises(Unknown, match="a folder with a colon in it, which is where options begin; rename"):
        contest("tic_tac_toe", [f"{colon}:sims=0", "random"])
    with pytest.raises(ValueError, match=r"n\\udcff:sims=0' is not UTF-8, and is not kept; rename"):
        contest("tic_tac_toe", [f"{bytes_}:sims=0", "random"])


def test_what_a_league_has_entered_keeps_the_leagues_name(folder, tmp_path):
    digest = weights_digest(str(folder))
    assert digest is not None and weights_digest(f"{folder}:sims=5") == digest
    with Store(tmp_path / "arena.db") as store:
        store.add_member("tic_tac_toe", "net", "snapshot", f"{folder}:sims=5", sha256=digest)
        entered = contest("tic_tac_toe", [f"{folder}:sims=5", str(folder)], members=store.members())
        assert list(entered.entrants) == ["net", "net:sims=600"]
        enter(store, entered)
        assert [(m.name, m.kind) for m in store.members()] == [("net", "snapshot"), ("net:sims=600", "agent")]


def test_verify_an_agent_and_a_database_of_it(folder, capsys):
    assert cli.run(["verify", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"]
    assert cli.run(["match", "tic_tac_toe", f"{folder}:sims=4", "random", "--games", "4"]) == 0
    assert cli.run(["verify", "arena.db"]) == 0
    capsys.readouterr()
    file = folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    assert cli.run(["verify", str(folder)]) == 1
    assert "damaged" in capsys.readouterr().out
    assert cli.run(["verify", "arena.db"]) == 1
    assert "are not those it was entered with" in capsys.readouterr().out
    file.unlink()
    assert cli.run(["verify", "arena.db"]) == 1
    assert "'net:sims=4' is not at" in capsys.readouterr().out


@pytest.fixture
def run(folder, tmp_path):
    """A run of two agents, the better of which is not the newest."""
    rules, path = game("tic_tac_toe"), tmp_path / "runs" / "ttt"
    for seed, step in ((1, 90), (2, 1000)):
        network = Network(rules, "mlp:width=16", ("policy", "value"), seed=seed)
        one = path / "agents" / f"ttt-{step:06d}"
        save_agent(one, rules, weights(network), backbone="mlp:width=16", heads=("policy", "value"), step=step)
    config = load(None, ["game.name=tic_tac_toe", "run.name=ttt", "network.backbone=mlp:width=16"])
    (path / "config.toml").write_text(resolved(config))
    save_state(path / "state", {"spent": 1.0})
    with Store(tmp_path / "arena.db") as store:
        store.add_member("tic_tac_toe", "random", "anchor")
        for name, won in (("ttt-000090", 1.0), ("ttt-001000", -1.0)):
            spec = f"{path}/agents/{name}:sims=3"
            store.add_member("tic_tac_toe", name, "snapshot", spec, sha256=weights_digest(spec))
            store.add_games(
                StoredGame(f"{name}{i}", "tic_tac_toe", 1, 0, (name, "random"), (won, -won), [0], purpose="rating")
                for i in range(6)
            )
        store.add_member("connect_four", "random", "anchor")
    return path


def test_a_runs_folder_is_its_newest_agent_and_best_the_best(run, tmp_path):
    database = tmp_path / "arena.db"
    assert expand(f"{run}:sims=2", database) == f"{run}/agents/ttt-001000:sims=2"
    assert expand(str(run), database) == f"{run}/agents/ttt-001000"
    assert expand("best:tic_tac_toe", database) == f"{run}/agents/ttt-000090:sims=3"
    for spec in ("random", "mcts:sims=5", f"{run}/agents/ttt-000090", "nobody"):
        assert expand(spec, database) == spec
    with pytest.raises(StoreError, match="no trained agent of connect_four"):
        expand("best:connect_four", database)
    with pytest.raises(StoreError, match="There is no database"):
        expand("best:tic_tac_toe", tmp_path / "none.db")
    with pytest.raises(Unknown, match="did you mean 'tic_tac_toe'"):
        expand("best:tictactoe", database)
    with pytest.raises(StoreError, match="in which game"):
        expand("best:", database)


def test_the_command_line_knows_runs_and_the_best(run, capsys):
    assert cli.run(["match", "tic_tac_toe", "best:tic_tac_toe", str(run), "--games", "2", "--json"]) == 0
    played = json.loads(capsys.readouterr().out)
    assert (played["first"], played["second"]) == ("ttt-000090", "ttt-001000:sims=600")
    assert cli.run(["evaluate", "best:tic_tac_toe", "tic_tac_toe", "--episodes", "2", "--json"]) == 0
    capsys.readouterr()
    assert cli.run(["match", "tic_tac_toe", "best:connect_four", "random"]) == 2
    assert "no trained agent" in capsys.readouterr().err
    assert cli.run(["match", "tic_tac_toe", "exec:./mybot", "random"]) == 2
    assert "There is no program" in capsys.readouterr().err


def test_verify_a_run(run, capsys):
    def verified():
        code = cli.run(["verify", str(run)])
        return code, capsys.readouterr().out

    code, out = verified()
    assert code == 0 and "whole (1 config.toml, 1 state, 2 agents)" in out
    toml = run / "agents" / "ttt-000090" / "agent.toml"
    kept = toml.read_text()
    for path, content, fault in (
        (toml, kept.replace("step = 90", "step = ninety"), "not TOML"),
        (run / "agents" / "ttt-001000" / "weights.safetensors", "nothing", "damaged"),
        (run / "config.toml", "[run]\nminuts = 3", "did you mean 'minutes'"),
        (run / "state" / "tree.json", "{", "cannot be read"),
    ):
        before = path.read_bytes()
        path.write_text(content)
        code, out = verified()
        assert code == 1 and "1 fault " in out and fault in out
        path.write_bytes(before)
    assert verified()[0] == 0


def test_verify_notices_other_settings_of_a_search(run, capsys):
    assert cli.run(["verify", "arena.db"]) == 1  # the games are made up
    assert "settings" not in capsys.readouterr().out
    toml = run / "agents" / "ttt-000090" / "agent.toml"
    toml.write_text(toml.read_text() + "c_puct = 9.0\n")
    assert cli.run(["verify", "arena.db"]) == 1
    assert "the weights or the settings of 'ttt-000090' are not those" in capsys.readouterr().out


@pytest.mark.parametrize("sims", [0, 4])
def test_who_overflows_forfeits_and_says_why(folder, capsys, sims):
    rules = game("tic_tac_toe")
    network = Network(rules, "mlp:width=16", ("policy", "value"))
    huge = {name: array * np.float32(1e38) for name, array in weights(network).items()}  # each is finite
    save_agent(folder.with_name("huge"), rules, huge, backbone="mlp:width=16", heads=("policy", "value"))
    assert (
        cli.run(["match", "tic_tac_toe", f"{folder.with_name('huge')}:sims={sims}", "random", "--games", "4", "--json"])
        == 0
    )
    lost = json.loads(capsys.readouterr().out)["forfeits"]
    assert len(lost) == 4 and {one["kind"] for one in lost} == {"nonsense"}
    assert "that is no finite number" in lost[0]["text"] and cli.run(["verify", "arena.db"]) == 0
    capsys.readouterr()
    assert cli.run(["verify", str(folder.with_name("huge"))]) == 1
    assert "of 16 positions 4 went wrong: huge gave a value" in capsys.readouterr().out


def test_verify_an_agent_whose_actions_are_vectors(tmp_path, monkeypatch, capsys):
    rules, heads = game("pendulum"), ("gaussian", "returns")
    folder = tmp_path / "vectors"
    save_agent(folder, rules, weights(Network(rules, "mlp:width=16", heads)), backbone="mlp:width=16", heads=heads)
    assert cli.run(["verify", str(folder)]) == 0
    assert "whole (16 positions)" in capsys.readouterr().out
    monkeypatch.setattr("agents.actor.bounded", lambda game, action: np.full_like(action, 9.0))
    assert cli.run(["verify", str(folder)]) == 1
    assert "chose [9.0] in pendulum, outside of -2 to 2" in capsys.readouterr().out
