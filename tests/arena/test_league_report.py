"""What a league tells of itself: the command, the tables and the pictures."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from arena.cli import run
from arena.config import Config, load
from arena.population import composing, standing
from arena.population.board import board
from arena.population.composing import SHARED, compose, league_toml, plan_of, shared, write_league
from arena.population.pace import Pace
from arena.population.report import write_report
from arena.population.yardstick import diversity
from arena.sections import ConfigError
from arena.verify import verify
from arena.viewers.league import PAGE, PICTURES, apart, page, thinned
from arena.viewers.shapes import Box, Disc, Rect, Ring, Text, bounds
from leagues.payoff import Payoff
from leagues.rating import Result

ROOT = Path(__file__).resolve().parents[2]

OWN = """
anchors = ["random"]
[snapshots]
least = 40
most = 80
[matches]
rated_pairs = 2
[learners.main]
role = "main"
settings = { batch = 64 }
backbone = "mlp:layers=1,width=8"
[learners.exploiter]
role = "main_exploiter"
algorithm = "a2c"
backbone = "mlp:layers=1,width=8"
settings = { entropy = 0.02 }
[learners.seer]
role = "latest"
algorithm = "alphazero"
[rollouts]
lanes = 8
steps = 6
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("league")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "own.toml").write_text(OWN)
        given = ["league", "kuhn", "--preset", "own.toml", "--workers", "0", "--rounds", "3", "--report", "pictures"]
        assert run(given) == 0
    return folder


class Window:
    """Stands in for the viewer's process."""

    def __init__(self, of: str) -> None:
        self.of, self.open = of, True

    def terminate(self) -> None:
        self.open = False


def told(folder):
    return json.loads((folder / "runs" / "kuhn-own" / "league.json").read_text())


def test_the_command_plays_goes_on_and_shows(played, monkeypatch, capsys):
    monkeypatch.chdir(played)
    monkeypatch.setenv("COLUMNS", "160")
    before = told(played)
    assert before["round"] == 3
    windows: list[Window] = []

    def opened(config: Config) -> Window:
        windows.append(Window(config.run.name))
        return windows[-1]

    monkeypatch.setattr("arena.stage.open_window", opened)
    given = ["league", "kuhn", "--preset", "own.toml", "--workers", "0", "--rounds", "1", "--watch", "--json"]
    assert run(given) == 0
    assert [(window.of, window.open) for window in windows] == [("kuhn-own", False)]
    out, err = capsys.readouterr()
    absent = "'seer' is left out: AlphaZero looks ahead in the position, which kuhn (hidden) does not allow."
    begun = ("Compiling the rules and starting the workers", "Self-play and learning", "Rating the last snapshots")
    assert err.splitlines() == [absent, *(f"{phase} ..." for phase in begun)]
    document = json.loads(out)
    assert document["left_out"] == {"seer": absent}
    report = played / "runs" / "kuhn-own" / "report"
    assert {file.stem for file in report.iterdir()} == set(PICTURES) and len(document["pictures"]) == len(PICTURES)
    assert document["round"] == 4 and len(document["members"]) >= len(before["members"])
    assert run(["league", "runs/kuhn-own"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for more in (["--minutes", "5"], ["--workers", "2"], ["--preset", "psro"], ["--set", "a.b=1"], ["--watch"]):
        assert run(["league", "runs/kuhn-own", *more]) == 2
        err = capsys.readouterr().err
        assert f"{more[0]} is for a league that is played" in err and "the command that began it" in err
    for words in ("is fed", "100% main, a main agent", "exploitability: nash of the frozen", "score against",
                  "descends from", "random weights", "main, round", absent):  # fmt: skip
        assert words in shown
    for row in document["ratings"]:
        assert f"{row['name']} {row['elo']:+.0f} {row['low']:+.0f} … {row['high']:+.0f}" in shown
    written = (played / "runs" / "kuhn-own" / "league.toml").read_text()
    assert "entropy = 0.02" in written and 'algorithm = "a2c"' in written


def test_what_cannot_be_is_one_sentence(played, monkeypatch, capsys):
    monkeypatch.chdir(played)
    (played / "other.toml").write_text(
        OWN.replace('algorithm = "a2c"', 'algorithm = "ppo"').replace("entropy = 0.02", "batch = 64")
    )
    for given, words in (
        (["kuhn", "--preset", "alphastart"], "did you mean 'alphastar'"),
        (["kuhn", "--report", "x"], "is for leagues of many learners; add --preset"),
        (["kunh", "--preset", "psro"], "did you mean 'kuhn'"),
        (["cart_pole", "--preset", "psro", "--workers", "0"], "one seat, so nobody meets"),
        (["kuhn", "--preset", "other.toml", "--set", "run.name=kuhn-own"], ".algorithm was 'a2c' there and is 'ppo'"),
        (["kuhn", "--preset", "own.toml", "--set", "matches.opponents=0"], "`matches.opponents` is a whole number"),
        (["kuhn", "--preset", "own.toml", "--set", "learners.main.settings.clipp=1"], "did you mean 'clip'"),
    ):
        assert run(["league", *given]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("text", ["seed = 3", "game = 'kuhn'", "learner = 'ppo'", "[[run]]"])
def test_what_is_no_table_is_said(tmp_path, text):
    league, file = tmp_path / "own.toml", tmp_path / "arena.toml"
    league.write_text(f"{text}\n{OWN}" if "[[" not in text else f"{OWN}\n{text}")
    with pytest.raises(ConfigError, match=r"is a section; write|there is no section \[seed\]"):
        compose(str(league), "kuhn", None, [])
    league.write_text(OWN)
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"is a section; write|there is no section \[seed\]"):
        compose(str(league), "kuhn", file, [])


def test_a_league_that_never_began_is_in_nobodys_way(tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    kuhn, leduc = (compose(str(tmp_path / "own.toml"), name, None, []) for name in ("kuhn", "leduc"))
    folder = tmp_path / "x"
    folder.mkdir()
    write_league(kuhn, folder)
    (folder / "config.toml").unlink()  # killed between the two files
    write_league(leduc, folder)
    (folder / "state").mkdir()
    write_league(leduc, folder)
    with pytest.raises(ConfigError, match="a league of leduc; give"):
        write_league(kuhn, folder)
    for damaged, text in (("league.toml", ""), ("league.toml", "learners = ["), ("config.toml", "learners = [")):
        (folder / damaged).write_text(text)
        with pytest.raises(ConfigError, match="damaged"):
            write_league(leduc, folder)


def test_each_learner_has_its_own_settings(tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    config, made, learners, left_out, _ = compose(
        str(tmp_path / "own.toml"), "kuhn", None, ["learners.main.settings.discount=0.5"]
    )
    assert config.run.name == "kuhn-own" and made.matches.rated_pairs == 2
    assert learners["main"].algorithm == "ppo" and learners["main"].learner.discount == 0.5
    assert learners["exploiter"].algorithm == "a2c" and learners["exploiter"].learner.entropy == 0.02
    assert set(left_out) == {"seer"} and set(learners) == {"main", "exploiter"}
    assert learners["exploiter"].learner.discount != 0.5 and learners["main"].playing.lanes == 8
    with pytest.raises(ConfigError, match="backbon"):
        compose(str(tmp_path / "own.toml"), "kuhn", None, ["network.backbon=mlp"])


def test_the_projects_own_league(tmp_path):
    config, made, learners, left_out, _ = compose(str(ROOT / "arena.toml"), "", None, [])
    assert config.game.name == "connect_four" and config.folder.name == "connect_four" and not left_out
    assert [own.algorithm for own in learners.values()] == ["alphazero", "ppo", "pqn"]
    assert len({of.role.partition(":")[0] for of in made.learners.values()}) == 3
    main = learners["main"]
    assert main.network.backbone == "resnet:blocks=4,width=48" and main.learner.batch == 256
    assert (main.playing.opening_share, main.playing.opening_plies, main.playing.lanes) == (0.8, 20, 512)
    assert (learners["rookie"].playing.steps, learners["exploiter"].playing.steps) == (16, 8)
    assert made.rule("main").most < 1000 < made.rule("exploiter").least and made.anchors[0] == "random"
    anchors = compose(str(ROOT / "arena.toml"), "", None, ['league.anchors=["mcts:sims=7"]']).made.anchors
    assert anchors == ("mcts:sims=7",)
    with pytest.raises(ConfigError, match=r"\[league\] rating_pairs is for a league of one learner"):
        compose(str(ROOT / "arena.toml"), "", None, ["league.rating_pairs=3"])
    with pytest.raises(ConfigError, match=r"\[learners\] is of a league of many learners; `arena league` plays"):
        load(ROOT / "arena.toml")


@pytest.mark.parametrize(
    ("override", "reached", "said"),
    [
        ("rollouts.lanes=64", "", "as each has its own; say learners.NAME.playing.lanes instead"),
        ("learner.algorithm=a2c", "", "say learners.NAME.algorithm instead"),
        ("network.backbone=mlp", "exploiter alone", "another learner of the league there is learners.NAME.backbone"),
        ("learner.clip=0.3", "exploiter alone", "there is learners.NAME.settings.clip."),
        ("self_play.search.simulations=32", "main alone", "there is learners.NAME.playing.search.simulations."),
        ("groups.group=4", "", "as none plays by groups; leave it out."),
        ("evaluation.every=0", "", "[evaluation] is for `arena train`"),
        ("run.engine=sb3", "", "[run] engine is for one learner"),
        ("network.backend=torch", "all", ""),
        ("learners.main.playing.lanes=64", "all", ""),
    ],
)
def test_a_setting_that_no_learner_gets_is_refused(override, reached, said):
    if not reached:
        with pytest.raises(ConfigError) as problem:
            compose(str(ROOT / "arena.toml"), "", None, [override])
        assert said in str(problem.value)
        return
    notes = compose(str(ROOT / "arena.toml"), "", None, [override]).notes
    assert len(notes) == bool(said) and all(reached in note and said in note for note in notes)


def test_a_leagues_two_files_make_it_again(tmp_path):
    more = ["run.minutes=7", "rollouts.steps=5", "learners.main.playing.lanes=16", "network.backend=torch"]
    (tmp_path / "own.toml").write_text(OWN)
    first = compose(str(tmp_path / "own.toml"), "kuhn", None, more)
    write_league(first, tmp_path / "x")
    again = compose(str(tmp_path / "x" / "league.toml"), "", tmp_path / "x" / "config.toml", [])
    assert first.learners["main"].playing.lanes == 16 and first.learners["exploiter"].playing.steps == 5
    for part in ("run", "game", "workers", "viewer"):
        assert getattr(again.config, part) == getattr(first.config, part)
    plans = [plan_of(one, None) for one in (first, again)]
    assert plans[0].recipes == plans[1].recipes and plans[0].settings == plans[1].settings
    assert (plans[1].backend, plans[1].seed) == ("torch", plans[0].seed)
    texts = [league_toml(one.made, one.learners) for one in (first, again)]
    assert texts[0] == texts[1]
    assert set(shared(tmp_path / "x")) == set(SHARED)
    (tmp_path / "x" / "state").mkdir()
    write_league(compose(str(tmp_path / "own.toml"), "kuhn", None, ["rollouts.lanes=9"]), tmp_path / "x")


def test_two_leagues_at_once_and_anchors_that_are_none_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="is a league by itself, as it has learners; leave --preset psro or --config"):
        compose("psro", "", ROOT / "arena.toml", [])
    (tmp_path / "own.toml").write_text(OWN.replace('"random"', '"random", "exec:./bot"'))
    with pytest.raises(ConfigError, match=r"own.toml: anchors: 'exec:./bot' is not for anchors because its games"):
        compose(str(tmp_path / "own.toml"), "kuhn", None, [])


def test_who_cannot_play_a_game_is_left_out_and_the_rest_goes_on():
    composed = compose(str(ROOT / "arena.toml"), "kuhn", None, [])
    assert list(composed.learners) == ["rookie"] and composed.made.anchors == ("random",)
    assert composed.config.game.name == "kuhn"
    assert "AlphaZero looks ahead" in composed.left_out["main"] and "there are none" in composed.left_out["exploiter"]
    assert composed.left_out["alphabeta:depth=2"].startswith("'alphabeta:depth=2' is left out: ")
    assert plan_of(composed, None).left_out == composed.left_out
    with pytest.raises(ConfigError, match=r"nobody is left to learn\. 'self' is left out: AlphaZero looks ahead"):
        compose("self-play", "kuhn", None, ["learner.algorithm=alphazero"])


def test_a_file_with_learners_is_a_league_of_many(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arena.toml").write_text(OWN)
    begun: list[Any] = []
    monkeypatch.setattr(composing, "run_season", lambda composed, **more: begun.append((composed, more)))
    monkeypatch.setattr("arena.cli.league.look", lambda *given: begun.append(given))
    assert run(["league", "kuhn", "--workers", "0", "--rounds", "2", "--set", "matches.stored=1"]) == 0
    (composed, more), (folder, report, _) = begun
    assert list(composed.learners) == ["main", "exploiter"] and composed.made.matches.stored == 1
    assert (composed.config.game.name, composed.config.worker_count, more["rounds"]) == ("kuhn", 0, 2)
    assert (folder, report) == (composed.config.folder, composed.config.folder / "report")


def test_pictures_are_written_and_stay_on_their_page(played):
    assert {file.stem for file in (played / "pictures").iterdir()} == set(PICTURES)
    document = told(played)
    for draw in PICTURES.values():
        shapes = draw(document)
        assert len(shapes) > 3
        for shape in shapes:
            box = bounds(shape)
            assert box.x >= -0.5 and box.right <= PAGE.right + 0.5 and box.y >= -0.5 and box.bottom <= PAGE.bottom + 0.5
            assert not isinstance(shape, Text) or shape.size >= 2.0


def test_pictures_show_what_the_document_says(played):
    document = told(played)
    names = document["payoff"]["names"]
    i, j = names.index("exploiter"), names.index("main")
    assert document["payoff"]["games"][i][j] > 0
    words = [shape.text for shape in PICTURES["payoff"](document) if isinstance(shape, Text)]
    assert f"{document['payoff']['score'][i][j]:.0%}" in words
    fed = PICTURES["roles"](document)
    assert any(isinstance(shape, Ring) for shape in fed)  # the main agent meets itself
    anew = [member for member in document["members"] if member.get("anew")]
    rings = [shape for shape in PICTURES["family"](document) if isinstance(shape, Ring)]
    assert len(rings) == len(anew)
    branches = [shape for shape in PICTURES["family"](document) if isinstance(shape, Disc) and shape.r == 0.8]
    assert len(branches) == sum(1 for member in document["members"] if member["parent"])


def test_diversity_is_what_games_have_shown():
    circle = [("a", "b"), ("b", "c"), ("c", "a")]
    for games, wins, found in ((100, 100, 1 / 3), (1000, 750, 1 / 6), (10, 7, 0.0), (0, 0, None)):
        scores = [float(k < wins) for k in range(games)]
        table = Payoff(Result(first, second, score) for first, second in circle for score in scores)
        trainers: Any = SimpleNamespace(payoff=table)
        assert diversity(trainers) == (None if found is None else pytest.approx(found))


def test_labels_that_want_one_place_stand_apart_in_their_order():
    room = Box(0, 10, 1, 20)
    assert apart({"a": 15.0, "b": 25.0}, 3.0, room) == {"a": 15.0, "b": 25.0}
    assert apart({"a": 20.0, "b": 19.0, "c": 20.5}, 3.0, room) == {"b": 19.0, "a": 22.0, "c": 25.0}
    assert apart({"a": 29.0, "b": 30.0, "c": 10.0}, 3.0, room) == {"c": 10.0, "a": 27.0, "b": 30.0}


def test_snapshots_of_all_algorithms_stand_over_their_rounds_and_side_by_side(played):
    document = told(played)
    rated = {row["name"] for row in document["ratings"]}
    rounds = sorted(m["round"] for m in document["members"] if m["parent"] and m["name"] in rated)
    dots = sorted(d.x for d in PICTURES["elo"](document) if isinstance(d, Disc) and d.y > 14)
    wide = 112 / (rounds[-1] - rounds[0] + 1)  # of a round
    assert [int((x - 16) // wide) + rounds[0] for x in dots] == rounds and len(set(rounds)) < len(rounds)
    assert min(b - a for a, b in pairwise(dots)) > 2.9 and 17 < dots[0] < dots[-1] < 127


@pytest.mark.parametrize("last", [1, 2, 3, 7, 40])
def test_rounds_are_marked_by_whole_numbers(played, last):
    document, rounds = told(played), iter([1])
    for member in document["members"]:
        if member["parent"]:
            member["round"] = next(rounds, last)
    shapes = PICTURES["elo"]({**document, "round": last})
    marks = [shape.text for shape in shapes if isinstance(shape, Text) and shape.box.y == pytest.approx(80.6)]
    assert len(marks) > (last > 1) and all(mark.isdigit() for mark in marks)


@pytest.mark.parametrize(
    ("league", "of", "words"),
    [("kuhn", "kuhn", "kuhn"), ("go-size9-psro", "go:size=9", "go-size9-psro"), ("mine", "go", "go · mine")],
)
def test_a_heading_names_the_game_once(league, of, words):
    assert f"{words} · round 1,200" in [
        shape.text for shape in page({"league": league, "game": of, "round": 1200}, "Roles") if isinstance(shape, Text)
    ]


def test_a_league_of_nothing_yet_has_pictures_and_tables_too(played, tmp_path):
    document = told(played)
    empty = {**document, "members": [m for m in document["members"] if not m["parent"]], "history": [], "ratings": [],
             "feeds": {}, "exploits": [], "cycles": None, "exploitability": {}}  # fmt: skip
    empty["payoff"] = {"names": [], "score": [], "low": [], "high": [], "games": []}
    drawn = {name: draw(empty) for name, draw in PICTURES.items()}
    assert drawn.pop("exploitability") == [] and all(isinstance(shapes[0], Rect) for shapes in drawn.values())
    assert {path.stem for path in write_report(empty, tmp_path, 160)} == set(drawn)
    written = StringIO()
    Console(width=80, file=written).print(board(empty, 80))
    lines = [line.strip("│ ").split() for line in written.getvalue().splitlines()]
    assert [line[0] for line in lines if line[1:2] in (["ppo"], ["a2c"])] == ["main", "exploiter"]
    assert not {"Elo", "score", "sc"} & {word for line in lines for word in line}  # of those who did not meet
    assert any(line[:3] == ["0", "frozen", "members;"] for line in lines)


def test_of_many_members_the_map_shows_some_of_every_age(played):
    document = told(played)
    names = ["main", "exploiter", *(f"main-{i}" for i in range(100))]
    document["payoff"]["names"] = names
    chosen = thinned(document)
    assert chosen[:2] == [0, 1] and chosen[2] == 2 and chosen[-1] == 101 and len(chosen) == 24
    assert chosen == sorted(set(chosen))


@pytest.mark.parametrize(("most", "names"), [(9, "abxyz"), (4, "abyz"), (2, "ab"), (1, "ab")])
def test_the_newest_frozen_members_are_shown_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch, most, names):
    monkeypatch.setattr(standing, "SHOWN", most)
    trainers = SimpleNamespace(pupils={"a": None, "b": None}, census=SimpleNamespace(frozen=lambda: list("xyz")))
    season: Any = SimpleNamespace(trainers=trainers)
    assert standing.shown(season) == list(names)


def test_a_pace_leaves_most_of_the_time_to_others(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("arena.population.pace.time.monotonic", lambda: now[0])
    pace = Pace(5.0, 0.02)
    assert pace.due()
    pace.done(99.99)  # a hundredth of a second
    now[0] = 104.9
    assert not pace.due()
    now[0] = 105.0
    assert pace.due()
    pace.done(103.0)  # two seconds, which are a fiftieth of a hundred
    now[0] = 204.9
    assert not pace.due()
    now[0] = 205.0
    assert pace.due()


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("league.json", '{"members": []}', "start the league again, and it is written anew."),
        ("league.json", '{"members": [', "start the league again, and it is written anew."),
        ("league.toml", "[learners.one", "league.toml is not TOML"),
        ("league.toml", "", "league.toml names no learners; move "),
        ("config.toml", "", "config.toml is damaged: it names no game; move "),
        ("config.toml", "[run]\nminuts = 3", "did you mean 'minutes'?"),
        ("history.jsonl", '{"round": 1}\n{"rou\xff\n', "without it the league goes on."),
    ],
)
def test_what_a_league_keeps_is_looked_at(played, tmp_path, name, text, wrong):
    shutil.copytree(played / "runs" / "kuhn-own", folder := tmp_path / "kuhn-own")
    with (folder / "history.jsonl").open("a") as file:
        file.write('{"rou')  # cut short by a kill
    report = verify(folder)
    assert report.whole and (report.checked["league.toml"], report.checked["history.jsonl"]) == (1, 1)
    (folder / name).write_text(text, encoding="latin-1")
    (fault,) = verify(folder).faults
    assert wrong in fault and name in fault
