"""Whom each role is fed, by hand-worked tables, and that no league, however odd, gives anything but a distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leagues.census import Census, Member
from leagues.payoff import Payoff
from leagues.quality import Quality
from leagues.rating import Result
from leagues.roles import ROLES, Feed, feed

M, N = Member("m", "main", live=True), Member("n", "main", live=True)
X = Member("x", "main_exploiter", live=True)
L = Member("l", "league_exploiter", live=True)
PAST = [Member(f"m@{i}", "main", parent="m") for i in (1, 2, 3)]
X1, X2 = Member("x@1", "main_exploiter", parent="x"), Member("x@2", "main_exploiter", parent="x")
RANDOM = Member("random", "anchor")


def fed(me: Member, others: list[Member], wins: dict[str, float] | None = None) -> Feed:
    """What `me` is fed, given its win rates."""
    payoff = Payoff(Result(me.name, name, score) for name, score in (wins or {}).items())
    return feed(me, Census([me, *others], payoff))


def test_latest_self() -> None:
    assert fed(Member("s", "latest", live=True), [*PAST, X1, RANDOM]).odds == {"s": 1.0}


def test_uniform_past_is_ones_own() -> None:
    me = Member("m", "uniform_past", live=True)
    given_ = fed(me, [*PAST, X1, RANDOM], {"m@1": 0.0, "m@2": 1.0})
    assert given_.odds == pytest.approx({"m@1": 1 / 3, "m@2": 1 / 3, "m@3": 1 / 3})
    assert given_.reason == "100% its 3 frozen members, all alike"
    assert fed(me, [X1, RANDOM]).odds == {"m": 1.0}


def test_openai_five() -> None:
    me = Member("m", "openai_five", live=True)
    quality = Quality()
    names = [past.name for past in PAST]
    quality.lost("m", "m@2", names)
    table = Census([me, *PAST, X1], quality=quality)
    low = np.exp(-0.01)  # m@2 lost once at probability 1/3: 0 - 0.01 / (3 / 3)
    expected = {"m": 0.8, "m@1": 0.2 / (2 + low), "m@2": 0.2 * low / (2 + low), "m@3": 0.2 / (2 + low)}
    assert feed(me, table).odds == pytest.approx(expected, abs=1e-12)
    assert feed(me, table).odds["m@1"] > feed(me, table).odds["m@2"] + 1e-4
    assert "80% itself as it is now; 20% its 3 frozen members" in feed(me, table).reason
    half = Member("m", "openai_five:past=0.5", live=True)
    assert feed(half, Census([half, *PAST])).odds["m"] == pytest.approx(0.5)
    assert feed(me, Census([me])).odds == {"m": 1.0}


def test_prioritised() -> None:
    me = Member("p", "prioritised:weighting=variance", live=True)
    given_ = fed(me, [*PAST, RANDOM], {"m@1": 1.0, "m@2": 0.9, "m@3": 0.7, "random": 0.5})
    assert given_.odds == pytest.approx({"m@2": 0.09 / 0.30, "m@3": 0.21 / 0.30})


def test_main_agent_in_a_young_league_plays_itself() -> None:
    assert fed(M, []).odds == {"m": 1.0}
    assert fed(M, [RANDOM]).odds == {"m": 1.0}


def test_main_agent_where_nothing_is_amiss() -> None:
    """50 % by (1 - x)^2 = 0.09, 0.16, 0.25 of 0.5; verification finds ever harder ones, so 50 % is self-play."""
    given_ = fed(M, PAST, {"m@1": 0.7, "m@2": 0.6, "m@3": 0.5})
    assert given_.odds == pytest.approx({"m": 0.5, "m@1": 0.09, "m@2": 0.16, "m@3": 0.25})


def test_main_agent_verifies_what_it_forgot() -> None:
    """m@2 is harder than m@3 after it, so m@1..m@3 are checked by squares: 0.01, 0.36, 0.04 of 0.41."""
    given_ = fed(M, PAST, {"m@1": 0.9, "m@2": 0.4, "m@3": 0.8})
    squares = {"m@1": 0.01 / 0.41, "m@2": 0.36 / 0.41, "m@3": 0.04 / 0.41}
    assert given_.odds == pytest.approx({"m": 0.35, **{name: 0.65 * odds for name, odds in squares.items()}})
    assert "15% the past of m, of which it forgot m@2: it wins 40%" in given_.reason
    not_forgotten = fed(M, PAST, {"m@1": 0.9, "m@2": 0.71, "m@3": 0.8})  # a dip, but above 0.7
    assert not_forgotten.odds["m"] == pytest.approx(0.5)


def test_main_agent_verifies_exploiters_first() -> None:
    wins = {"m@1": 0.9, "m@2": 0.4, "m@3": 0.8, "x@1": 0.2, "x@2": 0.6}
    given_ = fed(M, [*PAST, X1, X2], wins)
    all_squares = 0.01 + 0.36 + 0.04 + 0.64 + 0.16
    assert given_.odds["x@1"] == pytest.approx(0.5 * 0.64 / all_squares + 0.15 * 0.64 / 0.80)
    assert given_.odds["m@2"] == pytest.approx(0.5 * 0.36 / all_squares)
    assert "15% main exploiters, of which x@1 wins 80%" in given_.reason
    bearable = fed(M, [*PAST, X1, X2], {**wins, "x@1": 0.3})  # not below 0.3: what was forgotten comes next
    assert "forgot m@2" in bearable.reason


def test_main_agents_meet_each_other() -> None:
    even = fed(M, [N], {"n": 0.31})
    assert even.odds == pytest.approx({"m": 0.5 + 0.25, "n": 0.25})


def test_main_agent_learns_from_the_past_of_one_that_is_too_strong() -> None:
    past = [Member("n@1", "main", parent="n"), Member("n@2", "main", parent="n")]
    wins = {"n": 0.3, "n@1": 0.8, "n@2": 0.4}
    given_ = fed(M, [N, *past], wins)
    hard = {"n@1": 0.04 / 0.40, "n@2": 0.36 / 0.40}
    even = {"n@1": 0.16 / 0.40, "n@2": 0.24 / 0.40}
    assert given_.odds == pytest.approx({"m": 0.25, **{k: 0.5 * hard[k] + 0.25 * even[k] for k in hard}})
    assert "n" in fed(M, [N, *past], {**wins, "n": 0.301}).odds
    assert fed(M, [N], {"n": 0.0}).odds["n"] == pytest.approx(0.25)  # no past: it itself


def test_shares_of_the_main_agent_are_options() -> None:
    me = Member("m", "main:hard=0.2,verify=0", live=True)
    assert fed(me, PAST, {"m@1": 0.9, "m@2": 0.4, "m@3": 0.8}).odds["m"] == pytest.approx(0.8)


def test_main_exploiter() -> None:
    past = [*PAST[:2], Member("n@1", "main", parent="n")]
    given_ = fed(X, [M, N, *past, X1], {"m": 0.1, "n": 0.11, "m@1": 0.8, "m@2": 0.4})
    assert given_.odds == pytest.approx({"n": 0.5, "m@1": 0.5 * 0.16 / 0.40, "m@2": 0.5 * 0.24 / 0.40})
    assert fed(X, [M], {"m": 0.0}).odds == {"m": 1.0}


def test_main_exploiter_needs_a_main_agent() -> None:
    with pytest.raises(ValueError, match="add a member whose role is main"):
        fed(X, [L, *PAST])


def test_league_exploiter() -> None:
    given_ = fed(L, [M, *PAST, X1], {"m@1": 0.9, "m@2": 0.2, "m@3": 0.5, "x@1": 0.0})
    assert given_.odds == pytest.approx({"m@1": 0.1 / 1.6, "m@2": 0.5 / 1.6, "m@3": 0.5 / 1.6, "x@1": 0.5 / 1.6})


def test_psro_says_what_it_guesses() -> None:
    me = Member("p", "psro:solver=uniform", live=True)
    payoff = Payoff([Result("m@1", "m@2", 1)])
    given_ = feed(me, Census([me, *PAST], payoff))
    assert given_.odds == pytest.approx({"m@1": 1 / 3, "m@2": 1 / 3, "m@3": 1 / 3})
    assert given_.reason == "100% 3 frozen members by the meta-game's uniform, 2 unplayed pairings taken as even"
    assert feed(me, Census([me])).odds == {"p": 1.0}


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ("psro:solver=nahs", "There is no meta-solver 'nahs'"),
        ("mian", "did you mean .main."),
        ("main:hrad=1", "did you mean 'hard'"),
        ("main:me=1", "has no option 'me'"),
        ("main:hard=0.9", "'verify' of a role is a share from 0 to 0.1"),
        ("openai_five:past=2", "'past'"),
        ("prioritised:weighting=cubed", "no weighting 'cubed'"),
        ("anchor", "learns nothing"),
    ],
)
def test_what_a_role_refuses(role: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        fed(Member("m", role, live=True), PAST)


def test_a_league_has_no_two_members_of_one_name() -> None:
    with pytest.raises(ValueError, match="Two members of the league are named 'm'"):
        Census([M, N, M])


def test_draws_follow_the_odds() -> None:
    given_ = fed(M, PAST, {"m@1": 0.7, "m@2": 0.6, "m@3": 0.5})
    rng = np.random.default_rng(0)
    drawn = given_.draw(rng, 4000)
    for name, odds in given_.odds.items():
        assert drawn.count(name) / 4000 == pytest.approx(odds, abs=0.03)


LIVE = [Member("m", "main", live=True), Member("n", "main", live=True), X, L, Member("s", "latest", live=True)]
FROZEN = [*PAST, X1, X2, Member("l@1", "league_exploiter", parent="l"), Member("start", "latest"), RANDOM]


@given(
    st.sampled_from(sorted(ROLES)),
    st.lists(st.sampled_from(LIVE), unique=True),
    st.lists(st.sampled_from(FROZEN), unique=True),
    st.sampled_from(["none", "all", "some"]),
    st.randoms(use_true_random=False),
)
def test_every_role_gives_a_distribution_over_members(role, live, frozen, wins, random) -> None:
    me = Member("me", role if role != "psro" else "psro:solver=uniform", live=True)
    members = [me, *live, *frozen]
    rate = {"none": lambda: 0.0, "all": lambda: 1.0, "some": random.random}[wins]
    payoff = Payoff(
        Result(a.name, b.name, rate())
        for a in members
        for b in members
        if a is not b and (wins != "some" or random.random() < 0.7)
    )
    if role == "main_exploiter" and not any(member.plays("main") for member in live):
        return
    given_ = feed(me, Census(members, payoff))
    assert set(given_.odds) <= {member.name for member in members} - {"random"}
    assert all(0 < odds <= 1 + 1e-12 for odds in given_.odds.values())
    assert sum(given_.odds.values()) == pytest.approx(1, abs=1e-12)
    assert sum(part.share for part in given_.parts) == pytest.approx(1)
    assert "nan" not in given_.reason
    assert set(given_.draw(np.random.default_rng(0), 20)) <= set(given_.odds)
