"""The leaderboard in all its forms: figures that add up, names that stay text."""

import csv
import io
import json
from html import escape
from html.parser import HTMLParser

import pytest
from rich.console import Console

from arena.leaderboard import as_csv, as_document, as_table, keep_ratings, leaderboard
from arena.page import as_page
from arena.store import Store, StoredGame, StoreError
from arena.text import inert, percent
from arena.tournament import contest, tournament

NAMES = ["random", "weak", "strong", "<img src=x onerror=alert(1)>", "=HYPERLINK(1)", "[bold red]loud[/]"]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        store.add_member("connect_four", "random", "anchor")
        store.add_member("connect_four", "weak", "anchor")
        store.add_member("connect_four", "learner", "learner")
        for name in NAMES[2:]:
            store.add_member("connect_four", name, "agent")
        games = []
        for i, (first, second, won) in enumerate(
            [("strong", "random", 1.0)] * 9
            + [("random", "strong", 1.0)]
            + [("weak", "random", 1.0)] * 3
            + [("random", "weak", 0.0)] * 2
            + [("strong", "weak", 1.0)] * 4
            + [(name, "weak", 1.0) for name in NAMES[3:]]
        ):
            games.append(
                StoredGame(str(i), "connect_four", 1, 0, (first, second), (won, -won), [0], purpose="rating", run="r")
            )
        games.append(
            StoredGame("s", "connect_four", 1, 0, ("learner", "learner"), (1.0, -1.0), [0], purpose="selfplay")
        )
        store.add_games(games)
        yield store


def test_that_games_have_come_since_is_not_asked_of_the_whole_history(tmp_path, monkeypatch):
    with Store(tmp_path / "kept.db") as store:
        tournament(store, contest("tic_tac_toe", ["random", "first"]), "round-robin", 1)
        assert store.last_rated("tic_tac_toe") == store.last_number() == 2 and store.last_rated("kuhn") == 0
        kept = store.rating_history("tic_tac_toe")
        monkeypatch.setattr(Store, "rating_history", None)
        keep_ratings(store, "tic_tac_toe")
        monkeypatch.undo()
        assert store.rating_history("tic_tac_toe") == kept and len(kept) == 2


def test_who_played_no_rated_game_is_not_rated(store):
    """An agent that a person played, or an import brought, had a rating by nothing but what is believed beforehand."""
    before = leaderboard(store, "connect_four")
    store.add_member("connect_four", "sparring", "anchor")
    store.add_member("connect_four", "snapshot", "snapshot")
    store.add_games([StoredGame("p", "connect_four", 1, 0, ("sparring", "weak"), (1.0, -1.0), [0], purpose="play")])
    board = leaderboard(store, "connect_four")
    assert {line.name for line in board.lines} - {line.name for line in before.lines} == {"snapshot"}  # its games come
    assert "sparring" not in board.anchors and board.left_out == "1 member without a rated game, left out"
    assert board.unrated == ("sparring",) and before.left_out == ""


def test_lines_are_ordered_anchored_and_bounded(store):
    board = leaderboard(store, "connect_four")
    assert board.zero == "random"
    elos = [line.elo for line in board.lines]
    assert elos == sorted(elos, reverse=True)
    lines = {line.name: line for line in board.lines}
    assert set(lines) == set(NAMES)  # a learner's self-play is not rated
    assert lines["random"].elo == 0.0
    assert all(line.low <= line.elo <= line.high for line in board.lines)
    assert board.games == 22
    assert board.anchors == ["random", "weak"]
    strong = lines["strong"]
    assert (strong.games, strong.score) == (14, pytest.approx(13 / 14))
    assert strong.anchors == {"random": 0.9, "weak": 1.0}
    assert lines["[bold red]loud[/]"].anchors["random"] is None
    assert [line.better is None for line in board.lines] == [False] * 5 + [True]


def test_an_unknown_game_is_told_what_there_is(store):
    with pytest.raises(StoreError, match="it has connect_four"):
        leaderboard(store, "othello")


def test_members_without_games_have_wide_intervals(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        store.add_member("othello", "random", "anchor")
        store.add_member("othello", "new", "agent")
        board = leaderboard(store, "othello")
    new = next(line for line in board.lines if line.name == "new")
    assert new.games == 0 and new.high - new.low > 1000
    as_page(board), as_csv(board), as_table(board)


def test_csv_reads_back_and_holds_no_formula(store):
    rows = list(csv.DictReader(io.StringIO(as_csv(leaderboard(store, "connect_four")))))
    assert len(rows) == 6
    assert {row["name"] for row in rows} == {inert(name) for name in NAMES}
    assert not any(cell.startswith(("=", "@")) for row in rows for cell in row.values())
    assert next(row for row in rows if row["name"] == "strong")["score against random"] == "0.9000"


def test_exploitability_stands_where_it_was_asked_for(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        for game, specs in {"kuhn": ["random"], "tic_tac_toe": ["random", "solver", "first"]}.items():
            for spec in specs:
                store.add_member(game, spec, "anchor", spec)
        store.add_member("tic_tac_toe", "gone", "agent", "runs/no/such/folder")
        kuhn, nothing_hidden = leaderboard(store, "kuhn", exact=True), leaderboard(store, "tic_tac_toe", exact=True)
        plain = leaderboard(store, "tic_tac_toe")
    assert [line.exploitability for line in kuhn.lines] == [pytest.approx(11 / 24, abs=0.01)]  # its moves are counted
    gains = {line.name: line.exploitability for line in nothing_hidden.lines}
    assert gains.pop("random") == pytest.approx(0.96, abs=0.04)
    assert gains == {"solver": 0.0, "first": 1.0, "gone": None}
    assert "exploitability" in as_csv(kuhn) and "<td>0.4" in as_page(kuhn)
    assert "exploit" in [column.header for column in as_table(kuhn).columns]
    assert all(line.exploitability is None for line in plain.lines) and "exploit" not in as_csv(plain) + as_page(plain)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def test_the_page_runs_and_loads_nothing(store):
    page = as_page(leaderboard(store, "connect_four"))
    tags = Tags()
    tags.feed(page)
    assert tags.tags.isdisjoint({"script", "img", "iframe", "link", "object"})
    assert not any(name.startswith("on") or name in ("src", "href") for name in tags.attributes)
    assert "<img src=x onerror=alert(1)>" in tags.text
    assert page.count("<svg") == 6
    assert "default-src 'none'" in page


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 200])
def test_the_table_fits_its_terminal(store, width):
    out = io.StringIO()
    Console(file=out, width=width).print(as_table(leaderboard(store, "connect_four"), width))
    lines = out.getvalue().split("\n")
    assert max(len(line) for line in lines) <= width
    assert width < 60 or "[bold red]loud[/]" in out.getvalue()
    explained = " ".join(out.getvalue().split())
    assert ("better: the probability to be truly stronger" in explained) == any(" better ┃" in line for line in lines)
    assert ("α-rank: the share of time" in explained) == any(" α-rank ┃" in line for line in lines)


def test_the_document_is_plain(store):
    document = as_document(leaderboard(store, "connect_four"))
    assert document["game"] == "connect_four"
    assert set(document["lines"][0]) == {
        *(
            "rank",
            "name",
            "kind",
            "elo",
            "low",
            "high",
            "games",
            "score",
            "anchors",
            "better",
            "nash",
            "nash_average",
            "alpha_rank",
            "forfeits",
            "exploitability",
        )
    }


@pytest.mark.parametrize("circle", [True, False])
def test_who_beats_whom_is_told_beside_the_ratings(tmp_path, circle):
    def game(i, winner, loser):
        seats, results = ((winner, loser), (1.0, -1.0)) if i % 2 else ((loser, winner), (-1.0, 1.0))
        return StoredGame(f"{winner}{loser}{i}", "connect_four", 1, 0, seats, results, [0], purpose="rating", run="r")

    with Store(tmp_path / "arena.db") as store:
        for name in ("paper", "scissors", "stone"):
            store.add_member("connect_four", name, "agent")
        meetings = [("paper", "stone"), ("scissors", "paper"), ("stone", "scissors")]
        if not circle:
            meetings[2] = ("scissors", "stone")
        store.add_games([game(i, *two) for two in meetings for i in range(40)])
        board = leaderboard(store, "connect_four")
        line = {line.name: line for line in board.lines}
    if circle:
        assert board.cycles == pytest.approx(1.0)
        assert [one.nash for one in board.lines] == pytest.approx([1 / 3] * 3, abs=1e-6)
        assert [one.alpha_rank for one in board.lines] == pytest.approx([1 / 3] * 3, abs=1e-6)
    else:
        assert board.cycles < 0.01
        assert line["scissors"].nash == pytest.approx(1.0) and line["scissors"].alpha_rank == pytest.approx(1.0)
    assert ("goes in circles" in as_page(board)) == circle
    out = io.StringIO()
    Console(file=out, width=160).print(as_table(board, 160))
    assert ("100 % of who beats whom goes in circles" in out.getvalue()) == circle
    row = next(csv.DictReader(io.StringIO(as_csv(board))))
    assert (row["nash"], row["nash_average"]) == ("0.3333" if circle else "1.0000", "0.0000")
    beaten = {line.name: line.nash_average for line in board.lines if line.name != "scissors"}
    assert all(value is not None and (abs(value) < 1e-6 if circle else value < -0.9) for value in beaten.values())


@pytest.mark.parametrize(
    ("won", "said"),
    [
        ((1, 1, -1), "without 2 games (67 % of all) <b> would lead"),  # one win ahead, and one more
        ((1, -1), "<a> and <b> stand level"),
        ((1, 1), "<a> leads whichever games are left out"),
    ],
)
def test_it_is_told_how_few_games_hold_the_leader_up(tmp_path, won, said):
    with Store(tmp_path / "arena.db") as store:
        for name in ("<a>", "<b>"):
            store.add_member("connect_four", name, "agent")
        store.add_games(
            StoredGame(str(i), "connect_four", 1, 0, ("<a>", "<b>"), (w, -w), [0], purpose="rating", run="r")
            for i, w in enumerate(won)
        )
        board = leaderboard(store, "connect_four")
    assert board.hangs_on == said and escape(said[1:]) in as_page(board)
    out = io.StringIO()
    Console(file=out, width=160).print(as_table(board, 160))
    assert said in out.getvalue()
    lead = json.loads(json.dumps(as_document(board)))["lead"]
    assert (
        lead["leader"] == "<a>"
        and lead["exact"]
        and sum(one["games"] for one in lead["left_out"]) == (lead["games"] or 0)
    )


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.5, "50 %"), (1.0, "100 %"), (0.999, "99.9 %"), (0.99999, ">99.9 %"), (0.0, "0 %"), (0.004, "0.4 %"),
     (1e-9, "<0.1 %"), (None, "")],
)  # fmt: skip
def test_nearly_certain_is_not_certain(share, text):
    assert percent(share) == text


def test_games_by_other_rules_are_said_to_be_left_out(store):
    assert "other rules" not in as_page(leaderboard(store, "connect_four"))
    store.add_games(
        [StoredGame("old", "connect_four", 0, 0, ("strong", "random"), (-1.0, 1.0), [0], purpose="rating", run="r")]
    )
    board = leaderboard(store, "connect_four")
    assert (board.games, board.outdated) == (22, 1)
    out = io.StringIO()
    Console(file=out, width=160).print(as_table(board, 160))
    for text in (out.getvalue(), as_page(board)):
        assert "1 game, played under other rules, left out" in text


def test_of_many_members_what_takes_minutes_is_not_worked_out_and_that_is_said(store, monkeypatch):
    few = leaderboard(store, "connect_four")
    assert few.unasked == "" and few.lead is not None
    monkeypatch.setattr("arena.leaderboard.MANY", len(few.lines) - 1)
    many = leaderboard(store, "connect_four")
    assert [(line.name, line.elo, line.low) for line in many.lines] == [(e.name, e.elo, e.low) for e in few.lines]
    assert many.lead is None and {line.nash for line in many.lines} | {line.alpha_rank for line in many.lines} == {None}
    out = io.StringIO()
    Console(file=out, width=160).print(as_table(many, 160))
    for text in (out.getvalue(), as_page(many)):
        assert "f more than 5 members neither Nash, α-rank and circles are worked out" in text
    assert next(csv.DictReader(io.StringIO(as_csv(many))))["nash"] == ""
