"""Commands that let agents meet and say how strong they are: what they print, and what they keep."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("here")


def test_tournament(arena):
    arguments = ("tournament", "tic_tac_toe", "random", "first", "first:last=true", "--pairs", "4")
    code, out, err = arena(*arguments, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["games"] == 24 and document["zero"] == "random"
    assert {row["name"] for row in document["ratings"]} == {"random", "first", "first:last=true"}
    assert len(document["meetings"]) == 6
    again = arena(*arguments, "--json")[1]
    assert again == out
    table = arena(*arguments)[1]
    assert "first:last=true" in table and "24 games" in table


def test_a_tournament_in_rounds_says_who_came_where(arena):
    arguments = ("tournament", "tic_tac_toe", "random", "first", "first:last=true", "--pairs", "1", "--format")
    for form, games, note in (("swiss", 4, "sat out"), ("knockout", 4, "champion"), ("ladder", 6, "began at 2")):
        code, out, err = arena(*arguments, form, "--json")
        document = json.loads(out)
        assert code == 0 and ("stored earlier" in err) == (form != "swiss") and document["games"] >= games
        assert sorted(standing["name"] for standing in document["standings"]) == ["first", "first:last=true", "random"]
        assert any(note in standing["note"] for standing in document["standings"])
        assert note in arena(*arguments, form)[1]
    assert json.loads(arena(*arguments, "ladder", "--rounds", "1", "--json")[1])["games"] == 2


def test_match(arena):
    code, out, _ = arena("match", "tic_tac_toe", "first", "random", "--games", "20", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["wins"] + document["draws"] + document["losses"] == document["games"] == 20
    assert sum(document["pairs"]) == 10
    assert document["elo"]["low"] < document["elo"]["high"]
    out = arena("match", "tic_tac_toe", "first", "random", "--games", "20")[1]
    assert "first against random" in out and "95 %" in out
    shown = out.split("games ")[1].split()[0]
    assert len(set(document["ids"])) == 20 and document["ids"][0].startswith(shown) and "and 14 more" in out
    assert json.loads(arena("export", shown)[1])["id"] == document["ids"][0]
    out = arena("match", "tic_tac_toe", "first", "random", "--games", "400", "--sprt=-100,0")[1]
    assert "the upper bound holds" in out


def test_evaluate(arena):
    code, out, _ = arena(
        "evaluate", "first", "tic_tac_toe", "--episodes", "5", "--against", "first:last=true", "--json"
    )
    assert code == 0
    returns = json.loads(out)["returns"]
    assert [(one["seat"], one["mean"], one["plies"]) for one in returns] == [(0, 1.0, 5.0), (1, -1.0, 5.0)]
    shown = [arena("evaluate", "random", game, "--episodes", "1")[1] for game in ("tic_tac_toe", "cliff_walking")]
    assert all("mean return" in text for text in shown) and ["against" in text for text in shown] == [True, False]
    assert (
        json.loads(arena("evaluate", "first", "tic_tac_toe", "--episodes", "1", "--json")[1])["returns"][0]["error"]
        is None
    )
    assert not Path("arena.db").exists()


def test_evaluate_says_how_much_may_be_gained_where_that_can_be_worked_out(arena):
    def gain(agent: str, game: str) -> float | None:
        return json.loads(arena("evaluate", agent, game, "--episodes", "2", "--json")[1])["exploitability"]

    assert gain("first", "connect_four") is None  # too large
    assert gain("first:last=true", "tic_tac_toe") == 1.0  # a plan that is known loses always
    near = gain("cfr:iterations=200", "kuhn")
    assert near is not None and 0.0 <= near < 0.01
    far = gain("first", "kuhn")  # it always passes
    assert far is not None and far > 0.4
    assert "exploitability 0.0" in arena("evaluate", "cfr:iterations=200", "kuhn", "--episodes", "2")[1]


def test_leaderboard(arena, played, here):
    code, out, err = arena("leaderboard", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["games"] == 18
    assert arena("leaderboard", "tic_tac_toe", "--csv")[1].startswith("rank,name,kind,elo,low,high,games,score,")
    assert "18 rated games" in arena("leaderboard")[1]
    code, out, err = arena("leaderboard", "--html", "deep/page.html")
    assert (code, out) == (0, "") and "deep/page.html" in err
    assert "<svg" in (here / "deep" / "page.html").read_text()
    assert arena("leaderboard", "--json", "--csv")[0] == 2
    assert arena("leaderboard", "othello")[2].startswith("arena.db has no members of othello; it has tic_tac_toe")


def test_a_hostile_name_stays_a_name(arena):
    code, out, _ = arena("tournament", "tic_tac_toe", "hostile", "random", "--pairs", "1")
    assert code == 0 and "\x1b[31m" not in out
    assert "\x1b[31m" not in arena("leaderboard")[1]
    assert arena("leaderboard", "--html", "page.html")[0] == 0
    assert "<script>" not in Path("page.html").read_text()
    json.loads(arena("leaderboard", "--json")[1])
