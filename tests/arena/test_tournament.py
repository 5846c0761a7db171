"""Tournaments and matches: pairs from one opening, ids that never change, games that are stored before they count."""

from io import StringIO

import pytest

from arena.seat_returns import evaluate
from arena.store import Store, StoreError
from arena.tournament import Contest, batches, contest, enter, match, play_missing, table, tournament
from arena.verify import replayed_wrong
from leagues.schedule import round_robin

AGENTS = ["random", "first", "first:last=true"]


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        yield store


def test_everybody_meets_everybody_in_pairs_with_swapped_seats_from_one_opening(store):
    entered = contest("connect_four", AGENTS, seed=3)
    assert entered.opening == 7
    result = tournament(store, entered, "round-robin", 4)
    games = list(store.games())
    assert result.games == len(games) == 3 * 4 * 2
    assert replayed_wrong(entered.rules, games) == [""] * len(games)
    by_opening: dict[tuple, list] = {}
    for game in games:
        by_opening.setdefault((frozenset(game.seats), tuple(game.moves[: game.opening])), []).append(game.seats)
    for seats in by_opening.values():
        assert sorted(seats) == sorted(pair[::-1] for pair in seats)
    assert {game.purpose for game in games} == {"tournament"}
    assert len({game.opening for game in games}) > 1


def test_the_table_adds_up(store):
    result = tournament(store, contest("tic_tac_toe", AGENTS), "round-robin", 5)
    assert result.ratings.anchor == "random"
    assert result.ratings.elo[result.ratings.names.index("random")] == 0.0
    for (a, b), (points, games) in result.points.items():
        assert games == 10
        assert points + result.points[b, a][0] == 10
    assert sum(points for points, _ in result.points.values()) == result.games == 30


def test_a_gauntlet_is_the_first_against_the_rest(store):
    result = tournament(store, contest("tic_tac_toe", AGENTS), "gauntlet", 2)
    assert {pair for pair in result.points if "random" in pair} == set(result.points)
    assert result.games == 8


def test_what_was_cut_off_goes_on_to_the_same_games(tmp_path):
    def games(path):
        with Store.read(path) as store:
            return {g.id: (g.seats, tuple(g.moves), g.results) for g in store.games()}

    entered = contest("connect_four", AGENTS, seed=1)
    pairings = list(round_robin(list(entered.entrants), 6, 1))
    with Store(tmp_path / "whole.db") as store:
        tournament(store, entered, "round-robin", 6)
    with Store(tmp_path / "cut.db") as store:
        enter(store, entered)
        for _ in play_missing(store, entered, pairings[:7]):
            pass
    assert 0 < len(games(tmp_path / "cut.db")) < len(pairings)
    heard = []
    with Store(tmp_path / "cut.db") as store:
        tournament(store, entered, "round-robin", 6, lambda done, total: heard.append((done, total)))
        assert heard[0] == (7, 36) and heard[-1] == (36, 36) and heard == sorted(heard)
        assert len({done for done, _ in heard}) > 5  # games that end are told of before their batch is over
        heard.clear()
        tournament(store, entered, "round-robin", 6, lambda done, total: heard.append((done, total)))
        assert heard == [(36, 36)]
    assert games(tmp_path / "cut.db") == games(tmp_path / "whole.db")


@pytest.mark.parametrize("form", ["swiss", "knockout", "ladder"])
def test_rounds_that_were_cut_off_go_on_with_the_same_pairings(tmp_path, form):
    def games(path):
        with Store.read(path) as store:
            return {g.id: (g.seats, tuple(g.moves), g.results) for g in store.games()}

    entered = contest("tic_tac_toe", [*AGENTS, "first:note=a", "first:note=b"], seed=1)
    with Store(tmp_path / "whole.db") as store:
        whole = tournament(store, entered, form, 2)
    assert whole.standings[0].place == 1
    assert {standing.name for standing in whole.standings} == set(entered.entrants)
    for cut in (1, len(games(tmp_path / "whole.db")) // 2):
        with Store(tmp_path / f"{cut}.db") as store:

            def stop(done, total, cut=cut, store=store):
                if store.count() >= cut:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                tournament(store, entered, form, 2, stop)
            assert 0 < store.count() < whole.games
            assert tournament(store, entered, form, 2).standings == whole.standings
        assert games(tmp_path / f"{cut}.db") == games(tmp_path / "whole.db")


def test_a_format_refuses_before_anything_is_stored(store):
    with pytest.raises(ValueError, match="from 1 to 3 rounds, not 4"):
        tournament(store, contest("tic_tac_toe", AGENTS), "swiss", 1, rounds=4)
    with pytest.raises(ValueError, match="leave their number out"):
        tournament(store, contest("tic_tac_toe", AGENTS), "knockout", 1, rounds=2)
    assert not store.members()


def test_more_pairs_and_more_agents_add_to_what_is_there(store):
    tournament(store, contest("tic_tac_toe", AGENTS[:2]), "round-robin", 2)
    tournament(store, contest("tic_tac_toe", AGENTS[:2]), "round-robin", 3)
    assert store.count() == 6
    tournament(store, contest("tic_tac_toe", AGENTS), "round-robin", 3)
    assert store.count() == 18
    tournament(store, contest("tic_tac_toe", AGENTS, seed=1), "round-robin", 3)
    assert store.count() == 36


def test_games_of_other_rules_seeds_purposes_and_openings_have_other_ids():
    pairing = next(round_robin(["a", "b"], 1, 0))
    contests = [
        Contest("connect_four", {}),
        Contest("tic_tac_toe", {}),
        Contest("connect_four", {}, seed=1),
        Contest("connect_four", {}, purpose="match"),
        Contest("connect_four", {}, opening_plies=2),
    ]
    assert len({c.game_id(pairing) for c in contests}) == len(contests)


def test_batches_keep_pairs_together():
    pairings = list(round_robin(["a", "b", "c"], 5, 0))
    cut = list(batches(pairings, 4))
    assert sorted(p.id for batch in cut for p in batch) == sorted(p.id for p in pairings)
    for batch in cut:
        assert len({frozenset((p.first, p.second)) for p in batch}) == 1
        assert len(batch) <= 4
        pairs = [p.pair for p in batch]
        assert all(pairs.count(p) == 2 for p in pairs)


def test_two_of_one_name_and_unable_agents_are_refused(store):
    with pytest.raises(ValueError, match="both called 'random'"):
        contest("tic_tac_toe", ["random", "random"])
    with pytest.raises(ValueError, match="did you mean 'random'"):
        contest("tic_tac_toe", ["randm", "random"])
    store.add_member("tic_tac_toe", "random", "agent", sha256="other weights")
    enter(store, contest("tic_tac_toe", AGENTS[:2]))
    with pytest.raises(StoreError, match="another agent"):
        store.add_member("tic_tac_toe", "random", "agent", sha256="new weights")


def test_who_was_paid_more_has_won_whatever_the_sum(store):
    entered = contest("kuhn", ["random", "cfr:iterations=1"], seed=3, opening_plies=0, purpose="match")
    result = match(store, entered, 20)
    rows = store.games("kuhn", limit=20)
    paid = [game.results[game.seats.index("random")] for game in rows]
    assert {abs(amount) for amount in paid} == {1.0, 2.0}
    assert (result.wins, result.draws, result.losses) == (sum(p > 0 for p in paid), 0, sum(p < 0 for p in paid))


@pytest.mark.parametrize(("game", "seats"), [("taxi", "one seat"), ("kuhn:players=3", "3 seats")])
def test_games_that_are_not_for_two_are_not_matched(game, seats):
    with pytest.raises(ValueError, match=f"{seats}.*arena evaluate AGENT {game}"):
        contest(game, ["random", "planner"], purpose="match")


def test_a_match_counts_games_and_pairs(store):
    entered = contest("tic_tac_toe", ["first", "random"], purpose="match")
    result = match(store, entered, 21)
    assert result.games == store.count() == 22
    assert sum(result.pairs) == 11
    points = result.wins + result.draws / 2
    assert sum(count * k / 2 for k, count in enumerate(result.pairs)) == points
    assert result.elo.score == pytest.approx(points / 22)
    assert result.verdict is None and result.llr is None
    assert match(store, entered, 22) == result


def test_a_sequential_test_stops_early(store):
    entered = contest("tic_tac_toe", ["first", "random"], purpose="match")
    for bounds, verdict in (((-50.0, 30.0), "elo1"), ((150.0, 200.0), "elo0")):
        result = match(store, entered, 2000, sprt=bounds)
        assert result.verdict == verdict
        assert result.games < 2000
        assert result.llr is not None and abs(result.llr) > 2.9


def test_the_table_of_a_part_counts_that_part_alone(store):
    entered = contest("tic_tac_toe", AGENTS[:2])
    pairings = list(round_robin(AGENTS[:2], 3, 0))
    tournament(store, entered, "round-robin", 3)
    assert table(store, entered, pairings[:2]).games == 2


def test_a_person_plays_one_game_after_the_other(store, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", StringIO("\n".join(["a3", "b3", "c3", "a3", "b3"])))
    match(store, contest("tic_tac_toe", ["human", "first:last=true"], opening_plies=0), 2, heard=print)
    heard, asked = capsys.readouterr()
    assert heard == "2 2\n"
    first, second = asked.split("A new game of tic_tac_toe.")[1:]
    assert "seat 0 (x on a board)" in first and "seat 1" not in first
    assert "seat 1 (o on a board)" in second and "seat 0" not in second
    monkeypatch.setattr("sys.stdin", StringIO("a3\nb3\nc3\n" * 2 + "a3\nb3\n" * 2))
    evaluate("tic_tac_toe", "human", ["first:last=true"], 2)
    assert capsys.readouterr().err.count("A new game") == 4
