"""What every league writes of its members: who is entered, which games they are given, and what follows from those."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.self_play import SelfPlay
from arena.ledger import Ledger
from arena.store import Store
from arena.tournament import contest
from arena.worker import play_pairings

ANCHORS = ("random", "alphabeta:depth=2")


class Here:
    """One worker in this process that plays rating games."""

    size, restarts = 1, 0

    def start(self, worker, method, meeting):
        return play_pairings("tic_tac_toe", meeting)

    def finish(self, ticket):
        return ticket


def ledger(store: Store, name: str = "x") -> Ledger:
    return Ledger(store, "tic_tac_toe", contest("tic_tac_toe", ANCHORS, purpose="rating"), Path("runs") / name)


def test_snapshots_of_the_same_learner_are_in_the_way_and_those_of_others_are_not(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        other = ledger(store, "x-far")
        other.enter(["x-far-main"], new=True)
        other.admit("x-far-main-01", tmp_path / "gone", SelfPlay(), parent="x-far-main", step=1)
        assert other.specs["x-far-main-01"] == f"{tmp_path / 'gone'}:sims=100"
        mine = ledger(store)
        mine.enter(["x", "x-main"], new=True)
        mine.admit("x-main-01", tmp_path / "gone", None, parent="x-main", step=1)
        assert mine.specs["x-main-01"] == str(tmp_path / "gone")
        ledger(store).enter(["x-main"], new=False)
        with pytest.raises(ValueError, match=r"snapshots of an earlier run 'x' .* put its folder runs/x back"):
            ledger(store).enter(["x-main"], new=True)
        assert ledger(store, "y").enter(["x-mai"], new=True) is None


def test_a_ledger_that_goes_on_deals_what_one_that_never_stopped_deals(tmp_path):
    with Store(tmp_path / "arena.db") as store:
        one = ledger(store)
        one.enter(["x"], new=True)

        def deal(of: Ledger, seed: int) -> list[str]:
            pairings = of.telling(3, seed=seed, among=of.specs)
            of.send_out(Here(), pairings)  # type: ignore[arg-type]
            assert of.waiting and len(of.gather(Here())) == 6 and not of.waiting  # type: ignore[arg-type]
            of.rate_and_keep()
            return [pairing.id for pairing in pairings]

        first = deal(one, 1)
        again = ledger(store)
        assert again.openings == one.openings and again.results == one.results  # the database tells them, too
        lost = one.telling(2, seed=3, among=one.specs)  # given out, and the workers died
        state = one.state()
        second = deal(one, 2)
        assert len({*first, *second, *(pairing.id for pairing in lost)}) == 16
        again.restore(state["results"], None)
        assert again.openings.total() == 3
        again.restore(state["results"], state["openings"])
        assert deal(again, 2) == second and again.state() == one.state()
        assert one.rated == again.rated == 12 == store.count(purpose="rating")
        history = [(row.upto, row.name) for row in store.rating_history("tic_tac_toe")]
        assert history == [(upto, name) for upto in (6, 12) for name in ("alphabeta:depth=2", "random")]
