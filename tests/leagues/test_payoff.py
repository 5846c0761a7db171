"""The payoff table by hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leagues.payoff import Payoff, wilson
from leagues.rating import Result


def test_win_rates_and_counts() -> None:
    table = Payoff([Result("a", "b", 1), Result("b", "a", 0.5), Result("a", "b", 0), Result("c", "a", 1)])
    assert table.names == ("a", "b", "c")
    assert table.winrate("a", "b") == pytest.approx(0.5)
    assert table.winrate("a", "c") == 0.0
    assert table.winrate("b", "c") == 0.5  # never met
    assert table.winrate("a", "stranger") == 0.5
    assert table.games("a", "b") == 3
    assert table.games("a", "stranger") == 0
    assert table.winrates() == pytest.approx(np.array([[0.5, 0.5, 0], [0.5, 0.5, 0.5], [1, 0.5, 0.5]]))
    assert table.winrates(["c", "x"], ["a"]) == pytest.approx(np.array([[1.0], [0.5]]))
    assert table.counts(["b", "a"]) == pytest.approx(np.array([[0, 3], [3, 0]]))


def test_decay_fades_old_games_of_the_same_two() -> None:
    table = Payoff(decay=0.5)
    table.extend([Result("a", "b", 1), Result("a", "b", 1), Result("c", "a", 1), Result("a", "b", 0)])
    assert table.games("a", "b") == pytest.approx(1.75)  # 1, 1.5, 1.75
    assert table.winrate("a", "b") == pytest.approx(0.75 / 1.75)
    assert table.games("a", "c") == 1
    assert Payoff([Result("a", "b", 1)] * 2 + [Result("a", "b", 0)]).winrate("a", "b") == pytest.approx(2 / 3)


def test_a_member_that_starts_anew_has_met_nobody() -> None:
    table = Payoff([Result("a", "b", 1), Result("c", "a", 1), Result("b", "c", 1)], decay=0.99)
    table.forget("a")
    table.forget("stranger")
    assert table.names == ("a", "b", "c")
    assert table.counts() == pytest.approx(np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0]]))
    assert table.winrates(["a", "b"], ["b", "c", "stranger"]) == pytest.approx(
        np.array([[0.5, 0.5, 0.5], [0.5, 1, 0.5]])
    )


def test_a_table_of_nobody_is_empty() -> None:
    assert Payoff().winrates().shape == (0, 0)
    assert Payoff().winrates(["a"], ["b", "c"]) == pytest.approx(np.array([[0.5, 0.5]]))
    assert Payoff([Result("a", "b", 1)]).winrates(["a"], []).shape == (1, 0)


def test_wilson_interval() -> None:
    low, high = wilson(0.8, 10)  # (0.8 + z2/20 -+ z sqrt(0.016 + z2/400)) / (1 + z2/10), z = 1.96
    assert (float(low), float(high)) == pytest.approx((0.49016, 0.94331), abs=1e-5)
    assert tuple(map(float, wilson(1.0, 0))) == pytest.approx((0, 1))
    low, high = wilson(1.0, 50)
    assert float(low) == pytest.approx(0.92865, abs=1e-5)
    assert float(high) == 1.0


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.27753),  # z^2 / (n + z^2) = 3.84146 / 13.84146
        (5, 10, 0.23659, 0.76341),
        (4, 1000, 0.00156, 0.01024),
        (10, 10, 0.72247, 1.0),
    ],
)
def test_wilson_of_counts(hits: int, count: int, low: float, high: float) -> None:
    assert tuple(map(float, wilson(hits / count, count))) == pytest.approx((low, high), abs=1e-5)


def test_wilson_is_not_the_naive_interval() -> None:
    naive = 0.004 - 1.96 * (0.004 * 0.996 / 1000) ** 0.5
    assert float(wilson(0.004, 1000)[0]) - naive > 0.001


def test_intervals_of_cells() -> None:
    table = Payoff([Result("a", "b", 1)] * 8 + [Result("b", "a", 1)] * 2)
    assert table.interval("a", "b") == pytest.approx((0.49016, 0.94331), abs=1e-5)
    assert table.interval("a", "x") == pytest.approx((0, 1))
    low, high = table.intervals()
    assert low[0, 1] == pytest.approx(1 - high[1, 0])


def test_grows_and_comes_back_from_its_state() -> None:
    results = [Result(f"m{i}", f"m{j}", 1.0) for i in range(20) for j in range(i)]
    table = Payoff(results, decay=0.9)
    table.enter("newcomer")
    again = Payoff.from_state(*(table.state()[key] for key in ("names", "score", "games", "decay")))  # type: ignore[arg-type]
    for one in (table, again):
        one.add(Result("m3", "newcomer", 0.5))
    assert again.names == table.names
    assert np.array_equal(again.winrates(), table.winrates())
    assert np.array_equal(again.counts(), table.counts())


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.sampled_from([0.0, 0.5, 1.0])).filter(
            lambda game: game[0] != game[1]
        )
    ),
    st.floats(0.5, 1.0),
)
def test_laws(games: list[tuple[str, str, float]], decay: float) -> None:
    table = Payoff((Result(*game) for game in games), decay)
    rates, counts = table.winrates(), table.counts()
    assert rates + rates.T == pytest.approx(np.ones_like(rates))
    assert np.array_equal(counts, counts.T)
    low, high = table.intervals()
    assert ((low >= 0) & (low <= rates + 1e-12) & (rates <= high + 1e-12) & (high <= 1)).all()


def test_what_cannot_be_counted_is_said() -> None:
    with pytest.raises(ValueError, match="against itself"):
        Payoff([Result("a", "a", 1)])
    with pytest.raises(ValueError, match="between 0 and 1"):
        Payoff([Result("a", "b", float("nan"))])
    with pytest.raises(ValueError, match="decay"):
        Payoff(decay=0.0)
