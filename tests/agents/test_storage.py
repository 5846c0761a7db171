"""Agents as folders: what is saved comes back, and what is damaged or hostile is refused and runs nothing."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from agents.files import Refused, new_folder, read_plain
from agents.networks import Network, weights
from agents.policy import NetworkAgent
from agents.registry import agent
from agents.search.agent import SearchAgent
from agents.storage import (
    BadAgent,
    agent_digest,
    agent_folder,
    begin_from,
    load_agent,
    read_agent,
    read_text,
    save_agent,
    to_toml,
)
from envs import kernels
from envs.registry import Unknown, game, outside

TTT = game("tic_tac_toe")
BODY = "mlp:layers=1,width=8"
HEADS = ("policy", "value")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "walter-000120"
    network = Network(TTT, BODY, HEADS, seed=4)
    search = {"kind": "puct", "simulations": 16, "c_puct": 2.0}
    save_agent(path, TTT, weights(network), backbone=BODY, heads=HEADS, search=search, step=120, parent="walter")
    return path


def rewrite(folder: Path, old: str, new: str) -> None:
    file = folder / "agent.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def reseal(folder: Path, blob: bytes) -> None:
    """Puts other weights in place under a digest that is right, as whoever means harm would."""
    (folder / "weights.safetensors").write_bytes(blob)
    old = tomllib.loads((folder / "agent.toml").read_text())["sha256"]
    rewrite(folder, old, hashlib.sha256(blob).hexdigest())


def arrays(folder: Path) -> dict[str, np.ndarray]:
    return safetensors.numpy.load((folder / "weights.safetensors").read_bytes())


def test_what_is_saved_comes_back(folder: Path) -> None:
    stored, network = read_agent(folder)
    want = weights(Network(TTT, BODY, HEADS, seed=4))
    assert all(np.array_equal(want[name], array) for name, array in weights(network).items())
    assert (stored.game, stored.rules, stored.step, stored.parent) == ("tic_tac_toe", TTT.version, 120, "walter")
    assert stored.search == {"kind": "puct", "simulations": 16, "c_puct": 2.0}
    assert sorted(file.name for file in folder.iterdir()) == ["CARD.md", "agent.toml", "weights.safetensors"]
    assert [file.name for file in folder.parent.iterdir()] == [folder.name], "nothing is left beside it"
    assert not network.training


def test_counters_without_an_axis_come_back_as_they_were(tmp_path: Path) -> None:
    body = "resnet:blocks=1,width=4"
    kept = weights(Network(TTT, body, HEADS))
    assert any(array.shape == () for array in kept.values())
    save_agent(tmp_path / "a", TTT, kept, backbone=body, heads=HEADS)
    _, network = read_agent(tmp_path / "a")
    assert {name: array.shape for name, array in weights(network).items()} == {n: a.shape for n, a in kept.items()}


def test_the_card_is_readable_and_has_front_matter(folder: Path) -> None:
    text = (folder / "CARD.md").read_text()
    assert text.startswith("---\nlibrary_name: arena\n") and text.count("---\n") == 2
    for word in ("walter-000120", "tic_tac_toe", "a snapshot of walter", BODY, "| training step | 120 |"):
        assert word in text


def test_the_text_survives_any_name(tmp_path: Path) -> None:
    odd = 'quote " back \\ tab \t é 🙂 \x7f ] #'
    path = tmp_path / "a"
    save_agent(path, TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS, parent=odd)
    assert read_text(path).parent == odd
    assert tomllib.loads(to_toml(read_text(path)))["parent"] == odd


def test_options_choose_search_or_raw_policy(folder: Path) -> None:
    view = kernels.view(TTT, kernels.new_rows(TTT, kernels.seeds(0, 3)))
    plain, raw = load_agent(folder), load_agent(folder, "sims=0,temperature=1,backend=torch")
    deeper = agent(f"{folder}:sims=40,c_puct=1")
    assert isinstance(plain, SearchAgent) and plain.settings.simulations == 16 and plain.settings.c_puct == 2.0
    assert isinstance(raw, NetworkAgent) and raw.temperature == 1.0
    assert isinstance(deeper, SearchAgent) and deeper.settings.simulations == 40 and deeper.settings.c_puct == 1.0
    assert plain.name == "walter-000120" and deeper.name == "walter-000120:sims=40,c_puct=1"
    for player in (plain, raw, deeper):
        decision = player.act(view, player.begin(TTT, kernels.seeds(1, 3)))
        assert view.legal[np.arange(3), decision.action].all()
        assert (np.abs(decision.extra["value"]) <= 1).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("simz=6", "did you mean 'sims'"),
        ("sims=-1", "simulations must lie in"),
        ("sims=1.5", "not 1.5"),
        ("sims=many", "not 'many'"),
        ("threads=0", "threads"),
        ("temperature=1", "sims=0,temperature=1"),
        ("sims=0,temperature=hot", "temperature"),
        ("sims=0,backend=abacus", "inference backend 'abacus'"),
        ("kind=deep", "puct or gumbel"),
        ("c_puct=nan", "c_puct"),
    ],
)
def test_a_wrong_option_is_named(folder: Path, options: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        load_agent(folder, options)
    assert issubclass(Unknown, ValueError)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("format = 2", "format = 3", "format 3"),
        ("format = 2", "", "format None"),
        ('game = "tic_tac_toe"', 'game = "tic_tac_to"', "did you mean 'tic_tac_toe'"),
        ('game = "tic_tac_toe"', 'game = "connect_four"', "do not fit"),
        ('game = "tic_tac_toe"', 'game = "../../etc/passwd"', "no game"),
        ('game = "tic_tac_toe"', 'game = "os:system"', "is not key=value"),
        ("rules = 1", "rules = 7", "version 7 of the rules"),
        ("rules = 1", "rules = true", "'rules' as int"),
        ("step = 120", 'step = "120"', "'step' as int"),
        ("step = 120", "stepp = 120", "did you mean 'step'"),
        ("step = 120", "step = -1", "'step' as a whole number that is not negative"),
        ("step = 120", f"step = {2**63}", "'step' as a whole number"),
        ('parent = "walter"', "", "'parent' as str"),
        (BODY, "mlp:layers=2,width=8", "is missing"),
        (BODY, "mlp:layers=1,width=9", "belongs"),
        (BODY, "mlp:layers=1,width=99999999", "from 1 to 4096"),
        (BODY, "mlp:layers=1,depth=8", "no option 'depth'"),
        (BODY, "agents.storage:save_agent", "is not key=value"),
        (BODY, "../mlp", "no backbone"),
        ('["policy", "value"]', '["policy"]', "unknown"),
        ('["policy", "value"]', '["policy", "../value"]', "no head"),
        ('["policy", "value"]', "[1, 2]", "list of names"),
        ('["policy", "value"]', json.dumps(["policy"] * 65), "list of names, 64 at most"),
        ("simulations = 16", "simulations = 999999999999", "simulations must lie in"),
        ("simulations = 16", "simulation = 16", "did you mean 'simulations'"),
        ("c_puct = 2.0", "c_puct = inf", "c_puct"),
        ("format = 2", 'format = 2\nweights = "../../other.safetensors"', "unknown key 'weights'"),
        ("format = 2", "format = = 2", "not TOML"),
        ("format = 2", "format = 2\nx = " + "[" * 5000, "not TOML"),
        ("format = 2", f"format = 2\n{'.'.join('a' * 2000)} = 1", "more than 1,000 dots"),
        ("format = 2", "format = 2\n# " + "x" * 70_000, "larger than"),
    ],
)
def test_every_wrong_entry_is_refused_in_one_sentence(folder: Path, old: str, new: str, text: str) -> None:
    rewrite(folder, old, new)
    with pytest.raises(BadAgent, match=text) as caught:
        load_agent(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("spec", ["gym:planted:Any-v0", "pz:planted", "pz:planted,depth=1"])
def test_a_game_that_an_agent_names_imports_no_module_of_its_choice(
    folder: Path, spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "ran"
    (tmp_path / "planted.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    rewrite(folder, "tic_tac_toe", spec)
    with pytest.raises(BadAgent, match="would run 'planted'"):
        load_agent(folder)
    assert not trace.exists()
    with pytest.raises(ValueError, match=r"planted|no environment"):  # whoever names it himself has it run
        game(spec)
    assert trace.exists()
    sys.modules.pop("planted", None)


def test_the_projects_own_games_are_no_modules_from_outside() -> None:
    assert [outside(spec) for spec in ("go", "gym:CartPole-v1", "gym:ALE/Pong-v5", "spiel:hex")] == [""] * 4
    assert outside("pz:classic.no_such_v3") == "classic.no_such_v3"


def test_a_changed_byte_anywhere_in_the_weights_is_noticed(folder: Path) -> None:
    blob = (folder / "weights.safetensors").read_bytes()
    for at in (0, 9, len(blob) // 2, len(blob) - 1):
        (folder / "weights.safetensors").write_bytes(blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :])
        with pytest.raises(BadAgent, match="damaged"):
            read_agent(folder)
    (folder / "weights.safetensors").write_bytes(blob[:-1])
    with pytest.raises(BadAgent, match="damaged"):
        read_agent(folder)
    (folder / "weights.safetensors").write_bytes(blob)
    read_agent(folder)


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadAgent, match=r"no agent\.toml"):
        load_agent(tmp_path)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(BadAgent, match=r"weights\.safetensors cannot be read"):
        load_agent(folder)


@pytest.mark.parametrize("fault", ["nan", "inf", "shape", "kind", "missing", "more"])
def test_well_sealed_weights_that_cannot_be_are_refused(folder: Path, fault: str) -> None:
    kept = arrays(folder)
    name = "backbone.layers.0.weight"
    if fault in ("nan", "inf"):
        kept[name][0, 0] = float(fault)
    elif fault == "shape":
        kept[name] = kept[name].T.copy()
    elif fault == "kind":
        kept[name] = kept[name].astype(np.int32)
    elif fault == "missing":
        del kept[name]
    else:
        kept["extra"] = np.zeros(3, np.float32)
    reseal(folder, safetensors.numpy.save(kept))
    with pytest.raises(BadAgent, match=name if fault != "more" else "'extra' is unknown"):
        load_agent(folder)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def headed(header: bytes, body: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def hostile(mark: Path) -> dict[str, bytes]:
    tensor = {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 4]}
    past = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    deep = b'{"a":' * 60_000 + b"1" + b"}" * 60_000
    return {
        "pickle": pickle.dumps(Bomb(mark)),
        "pickle after a header": headed(b"{}", pickle.dumps(Bomb(mark))),
        "zip": b"PK\x03\x04" + pickle.dumps(Bomb(mark)),
        "empty": b"",
        "short": b"\x01\x02",
        "giant header": (1 << 62).to_bytes(8, "little") + b"{}",
        "long header": headed(b" " * (2 * 1024 * 1024) + b"{}"),
        "deep header": headed(deep),
        "giant tensor": headed(json.dumps({"a": tensor}).encode(), b"\0" * 4),
        "past the end": headed(json.dumps({"a": past}).encode(), b"\0" * 4),
        "overlapping": headed(json.dumps({"a": past, "b": past}).encode(), b"\0" * 8),
        "not text": headed(b"\xff\xfe\x00"),
        "twice": headed(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":1}', b"\0" * 4),
        "strange kind": headed(b'{"a":{"dtype":"OBJ","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4),
        "half": headed(b'{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', b"\0"),
    }


@pytest.mark.parametrize("kind", hostile(Path("nowhere")))
def test_a_hostile_weights_file_runs_nothing_and_is_refused(folder: Path, kind: str, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    reseal(folder, hostile(mark)[kind])
    with pytest.raises(BadAgent):
        load_agent(folder)
    assert not mark.exists()


def test_the_bomb_is_a_real_one(tmp_path: Path) -> None:
    """The control: unpickled, it does go off."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["agent.toml", "weights.safetensors"])
def test_links_pipes_and_folders_in_place_of_files_are_not_opened(folder: Path, name: str, tmp_path: Path) -> None:
    file, elsewhere = folder / name, tmp_path / "elsewhere"
    shutil.copy(file, elsewhere)
    file.unlink()
    file.symlink_to(elsewhere)
    with pytest.raises(BadAgent, match="is a link or no plain file"):
        load_agent(folder)
    file.unlink()
    file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadAgent, match="is a link or no plain file"):
        load_agent(folder)
    file.unlink()
    os.mkfifo(file)  # opened, it would wait for ever
    with pytest.raises(BadAgent, match="is a link or no plain file"):
        load_agent(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(BadAgent, match="is a link or no plain file"):
        load_agent(folder)


def test_extra_files_are_never_looked_at(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for name in ("__init__.py", "agents.py", "numpy.py", "conftest.py"):
        (folder / name).write_text(f"open({str(mark)!r}, 'w')")
    (folder / "weights.pt").write_bytes(pickle.dumps(Bomb(mark)))
    load_agent(folder)
    assert not mark.exists()


def test_an_agent_is_never_overwritten(folder: Path) -> None:
    before = (folder / "weights.safetensors").read_bytes()
    with pytest.raises(BadAgent, match="exists already"):
        save_agent(folder, TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS)
    assert (folder / "weights.safetensors").read_bytes() == before


def test_a_save_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space"):
        save_agent(tmp_path / "a", TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / ".a.1234.new").mkdir()  # what a kill would have left
    (tmp_path / ".a.1234.new" / "half").write_text("")
    save_agent(tmp_path / "a", TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS)
    assert [file.name for file in tmp_path.iterdir()] == ["a"] and not (tmp_path / "a" / "half").exists()


def test_settings_that_no_search_has_are_refused_when_saving(tmp_path: Path) -> None:
    with pytest.raises(BadAgent, match="c_put"):
        save_agent(tmp_path / "a", TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS, search={"c_put": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_a_runs_folder_is_its_newest_agent(folder: Path) -> None:
    run = folder.parent.parent / "walter"
    for step in (1200, 30):
        name = f"walter-{step:06d}"
        save_agent(run / "agents" / name, TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS, step=step)
    (run / "agents" / ".walter-009999.1234.new").mkdir()
    assert agent(f"{run}:sims=4").name == "walter-001200:sims=4"
    searching = run / "agents" / "seer-000007"
    asked = {"simulations": 9}
    save_agent(searching, TTT, weights(Network(TTT, BODY)), backbone=BODY, heads=HEADS, step=7, search=asked)
    assert agent(str(run)).name == "seer-000007"  # of a league of many learners: who searches
    shutil.rmtree(run / "agents")
    (run / "agents").mkdir()
    with pytest.raises(BadAgent, match="no run with agents"):
        agent(str(run))


def test_the_digest_covers_weights_and_settings(folder: Path) -> None:
    before = agent_digest(folder)
    rewrite(folder, "c_puct = 2.0", "c_puct = 9.0")
    assert agent_digest(folder) != before
    rewrite(folder, "c_puct = 9.0", "c_puct = 2.0")
    assert agent_digest(folder) == before
    kept = arrays(folder)
    next(iter(kept.values())).flat[0] += 1
    reseal(folder, safetensors.numpy.save(kept))
    assert agent_digest(folder) != before
    (folder / "weights.safetensors").unlink()
    with pytest.raises(BadAgent, match="cannot be read"):
        agent_digest(folder)


def test_the_digest_covers_what_plays_and_not_when_and_by_whom_it_was_made(folder: Path) -> None:
    before = agent_digest(folder)
    for old, new in (("step = 120", "step = 121"), ('parent = "walter"', 'parent = "wanda"')):
        rewrite(folder, old, new)
        assert agent_digest(folder) == before
    text = (folder / "agent.toml").read_text(encoding="utf-8")
    made = re.sub(r'created = ".*"', 'created = "1999-01-01T00:00:00+00:00"', text)
    (folder / "agent.toml").write_text(made, encoding="utf-8")
    assert made != text and agent_digest(folder) == before
    rewrite(folder, "format = 2", "format = 1")  # of an earlier arena: by all of its text, as databases have it
    blob = hashlib.sha256((folder / "weights.safetensors").read_bytes()).digest()
    assert agent_digest(folder) == hashlib.sha256((folder / "agent.toml").read_bytes() + blob).hexdigest()
    load_agent(folder)


def test_a_file_put_in_place_of_another_is_what_is_looked_at(folder: Path, tmp_path: Path) -> None:
    """The size and kind are those of the file that was opened, whatever its name means by then."""
    target = tmp_path / "grown"
    target.write_bytes(b"x" * 100)
    with pytest.raises(Refused, match="larger than 99 bytes"):
        read_plain(target, 99)
    assert read_plain(target, 100) == b"x" * 100


def test_a_folder_that_appears_meanwhile_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not empty"), new_folder(tmp_path / "a", replace=False) as fresh:
        (fresh / "mine").write_text("")
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "theirs").write_text("")
    assert [file.name for file in (tmp_path / "a").iterdir()] == ["theirs"]
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_network_begins_from_an_agents_weights(folder: Path) -> None:
    assert agent_folder(folder) == folder
    run = folder.parents[1]
    shutil.copytree(folder, run / "agents" / "walter-000120")
    assert agent_folder(run) == run / "agents" / "walter-000120"
    before, given = Network(TTT, BODY, ("policy", "returns"), seed=9), weights(Network(TTT, BODY, HEADS, seed=4))
    fresh = weights(before)
    begin_from(before, run)
    taken = weights(before)
    for name, array in taken.items():
        expected = given[name] if name.startswith(("backbone.", "heads.policy.")) else fresh[name]
        assert np.array_equal(array, expected)
    assert not np.array_equal(fresh["heads.policy.score.weight"], taken["heads.policy.score.weight"])


def test_a_body_of_another_make_is_not_begun_from(folder: Path) -> None:
    other = Network(TTT, "mlp:layers=1,width=9", HEADS, seed=9)
    fresh = weights(other)
    with pytest.raises(
        BadAgent, match=r"has mlp:layers=1,width=8 for tic_tac_toe, whose weights do not fit mlp:lay.*=9"
    ):
        begin_from(other, folder)
    assert all(np.array_equal(array, fresh[name]) for name, array in weights(other).items())
