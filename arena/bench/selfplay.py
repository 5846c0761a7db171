"""Self-play end to end: how much of what inference alone could do is left when games are played and searched with it.

Also what Ray costs and brings: one worker with it against the same without, and two workers against one. The last two
go by the clock and want a machine with nothing else to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from agents.networks import Network, weights
from agents.self_play import SelfPlay, SelfPlayer
from arena.bench.inference import observations
from arena.bench.measure import Contest, Measure, Side, core_rate, rate
from arena.cluster import Pool, make_pool
from arena.worker import Order, Worker
from envs.registry import game

HEADS = ("policy", "value")
ROUNDS = 5
"""How many times longer than others workers are measured: so that it matters little who ends a round first."""


def contests(backbone: str = "resnet:blocks=3,width=32", lanes: str = "512", ray: str = "yes") -> Iterator[Contest]:
    """Connect Four with the settings that training has; `ray=no` leaves out what needs Ray."""
    bench = SelfPlayBench(backbone, SelfPlay(lanes=int(lanes)))
    name = f"connect_four, {backbone}, {lanes} lanes"
    unit = "positions/s"
    yield Contest(
        f"{name}: self-play", unit, Side("arena", bench.alone), Side("its inference alone, batch 512", bench.inference)
    )
    if ray == "yes":
        here = Side("the same without Ray", lambda: bench.by_clock(bench.local, 1))
        one = Side("one Ray worker", lambda: bench.by_clock(bench.pool, 1))
        two = Side("two Ray workers", lambda: bench.by_clock(bench.pool, 2))
        yield Contest(f"{name}: one Ray worker", unit, one, here)
        yield Contest(f"{name}: two Ray workers", unit, two, one)


class SelfPlayBench:
    """Workers that are made when they are first needed, and kept."""

    def __init__(self, backbone: str, settings: SelfPlay, positions: int = 400) -> None:
        self.positions = positions
        self.orders = [Order(i, 0, "connect_four", "alphazero", backbone, HEADS, settings) for i in range(2)]
        self.weights = weights(Network(game("connect_four"), backbone, HEADS))
        self.worker = cache(lambda: Worker(self.orders[0]))
        self.pool = cache(lambda: make_pool(self.orders, [None, None], local=False))
        self.local = cache(lambda: make_pool(self.orders[:1], [None], local=True))

    def alone(self) -> Measure:
        """A worker in this process, by the time its core worked."""
        worker = self.worker()
        worker.collect(self.weights, 0, 1)
        return core_rate(lambda: worker.collect(self.weights, 0, self.positions).evaluations)

    def inference(self) -> Measure:
        """The same worker's evaluator, given batches that are ready."""
        player = self.worker().player
        assert isinstance(player, SelfPlayer)
        evaluate, obs = player.evaluator, observations()
        return core_rate(lambda: len(evaluate(obs)[1]))

    def by_clock(self, pool: Callable[[], Pool], workers: int) -> Measure:
        """So many workers of a pool at once, as training has them collect: a round is given out while one is played."""

        def send() -> list[Any]:
            return [pool().start(i, "collect", self.weights, 0, self.positions) for i in range(workers)]

        def arrive(tickets: list[Any]) -> float:
            return sum(pool().finish(ticket).evaluations for ticket in tickets)

        def measure(seconds: float) -> float:
            under_way = deque([send()])

            def work() -> float:
                under_way.append(send())
                return arrive(under_way.popleft())

            found = rate(work)(ROUNDS * seconds)
            arrive(under_way.pop())  # the other side's turn comes when nothing is played
            return found

        arrive(send())
        return measure
