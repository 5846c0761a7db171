"""What an agent is paid in each seat."""

from arena.seat_returns import evaluate


def test_evaluation_is_the_mean_return_of_each_seat():
    found = evaluate("tic_tac_toe", "first", ["first:last=true"], 3)
    # first: 0 1 2 against 8 7 6, so whoever begins wins at once: 5 plies
    assert [(one.seat, one.mean, one.plies) for one in found] == [(0, 1.0, 5.0), (1, -1.0, 5.0)]
    assert [one.error for one in found] == [0.0, 0.0]
    again = evaluate("tic_tac_toe", "random", ["random"], 40, seed=5)
    assert again == evaluate("tic_tac_toe", "random", ["random"], 40, seed=5)
    assert again[0].mean > again[1].mean  # moving first is worth something


def test_who_is_alone_meets_nobody():
    (alone,) = evaluate("cart_pole", "random", ["random"], 2)
    assert alone.opponent is None and alone.mean == alone.plies > 5
    (first, _) = evaluate("tic_tac_toe", "first", ["random"], 2)
    assert first.opponent == "random"
