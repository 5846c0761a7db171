"""Trained agents as entrants: one name for one way of playing, and folders that are checked."""

import json

import pytest

from agents.networks import Network, weights
from agents.storage import save_agent
from arena import cli
from arena.store import Store
from arena.tournament import contest, enter, weights_digest
from envs.registry import game


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
    assert cli.run(["verify", str(folder)]) == 2
    assert "damaged" in capsys.readouterr().err
    assert cli.run(["verify", "arena.db"]) == 1
    assert "are not those it was entered with" in capsys.readouterr().out
    file.unlink()
    assert cli.run(["verify", "arena.db"]) == 1
    assert "the weights of 'net:sims=4' are not at" in capsys.readouterr().out
