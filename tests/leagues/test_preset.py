"""Leagues as TOML: the presets begin as they should, and what a file gets wrong is one sentence that names the key."""

from __future__ import annotations

import tomllib

import pytest

from leagues.census import Census, Member
from leagues.preset import FOLDER, Composition, Learners, Snapshots, composition, preset
from leagues.roles import feed

LIVE = {
    "self-play": {"self": "latest"},
    "openai-five": {"five": "openai_five"},
    "psro": {"oracle": "psro:solver=nash"},
    "alphastar": {
        "main": "main",
        "exploiter": "main_exploiter",
        "league-0": "league_exploiter",
        "league-1": "league_exploiter",
    },
}


def test_every_preset_is_known() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(LIVE)


@pytest.mark.parametrize("name", LIVE)
def test_presets_begin(name: str) -> None:
    members = preset(name).members()
    assert {m.name: m.role for m in members if m.live} == LIVE[name]
    assert [m for m in members if not m.live] == [Member("random", "anchor")]
    for member in members:
        if member.live:  # nobody is frozen yet, and everybody has someone to meet
            assert sum(feed(member, Census(members)).odds.values()) == pytest.approx(1)


def test_a_league_with_everything() -> None:
    text = """
        anchors = ["random", "mcts:sims=10"]
        [snapshots]
        least = 10
        most = 20.5
        [learners.a]
        role = "main:hard=0.6,verify=0.1"
        algorithm = "ppo"
        backbone = "mlp"
        positions = 70
        playing = { lanes = 8 }
        [learners.b]
        role = "uniform_past"
        count = 2
        snapshots = { most = 50 }
    """
    made = composition(tomllib.loads(text))
    assert made == Composition(
        {
            "a": Learners("main:hard=0.6,verify=0.1", 1, "ppo", "mlp", positions=70, playing={"lanes": 8}),
            "b": Learners("uniform_past", 2, snapshots={"most": 50}),
        },
        Snapshots(10, 20.5, 0.7),
        ("random", "mcts:sims=10"),
    )
    assert [m.name for m in made.members()] == ["a", "b-0", "b-1", "random", "mcts:sims=10"]
    assert made.rule("a") == made.snapshots and made.rule("b-1") == Snapshots(10, 50, 0.7)


def test_a_league_without_some_of_its_learners() -> None:
    roles = {"main": "main", "exploiter": "main_exploiter", "rest": "league_exploiter"}
    made = composition({"learners": {name: {"role": role, "count": 2} for name, role in roles.items()}})
    assert made.without({}) == (made, {})
    part, gone = made.without({"rest": "why"})
    assert part is not None and list(part.learners) == ["main", "exploiter"] and gone == {"rest": "why"}
    part, gone = made.without({"main": "why"})
    assert part is not None and list(part.learners) == ["rest"] and part.anchors == made.anchors
    assert gone["exploiter"].startswith("'exploiter' is left out as well: ") and "there are none" in gone["exploiter"]
    assert made.without({"main": "a", "rest": "b"})[0] is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs one learner or more"),
        ("learner = 1", "did you mean 'learners'"),
        ("learners = 1", "one table for each kind"),
        ("learners.a = 1", "`learners.a` is a table"),
        ("[learners.a]", "names no role"),
        ("[learners.a]\nrole = 'mian'", "There is no role 'mian'"),
        ("[learners.a]\nrole = 'main:hrad=1'", "did you mean 'hard'"),
        ("[learners.a]\nrole = 1", "`learners.a.role` is of the wrong type"),
        ("[learners.a]\nrole = 'main'\ncount = 0", "from 1 to 1000"),
        ("[learners.a]\nrole = 'main'\ncount = true", "`learners.a.count` is of the wrong type"),
        ("[learners.a]\nrole = 'main'\npositions = -1", "whole number from 0 up"),
        ("[learners.a]\nrole = 'main'\ncuont = 2", "did you mean 'count'"),
        ("[learners.a]\nrole = 'main_exploiter'", "add a member whose role is main"),
        ("[learners.a]\nrole = 'main:hard=x'", "'hard' of a role is a share"),
        ("[learners.a]\nrole = 'main:hard=2'", "'hard' of a role is a share"),
        ("[learners.a]\nrole = 'openai_five:past=2'", "'past' of a role is a share"),
        ("[learners.a]\nrole = 'prioritised:weighting=2'", "no weighting '2'"),
        ("[learners.a]\nrole = 'psro:solver=2'", "no meta-solver '2'"),
        ("[learners.a]\nrole = 'anchor'", "learns nothing"),
        ("[learners.a]\nrole = 'main'\ncount = 2\n[learners.a-1]\nrole = 'main'", "would be named 'a-1'"),
        ("[learners.'../../a']\nrole = 'main'", "letters, digits"),
        ("[learners.'']\nrole = 'main'", "letters, digits"),
        ("[breeding]\nevery = 1\nsettings = [1]\n[learners.a]\nrole = 'main'", "list of names in quotes"),
        ("[snapshots]\nleast = 3\nmost = 2\n[learners.a]\nrole = 'main'", "least <= most"),
        ("[learners.a]\nrole = 'main'\nsnapshots = { least = 50_000 }", "least <= most"),
        ("[learners.a]\nrole = 'main'\nsnapshots = { laest = 5 }", "did you mean 'least'"),
        ("[snapshots]\nbeaten = nan\n[learners.a]\nrole = 'main'", "between 0 and 1"),
        ("anchors = 'random'\n[learners.a]\nrole = 'main'", "list of agents"),
    ],
)
def test_what_a_league_refuses(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        composition(tomllib.loads(text))


def test_an_unknown_preset_gets_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'alphastar'"):
        preset("alphstar")
