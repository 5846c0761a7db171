"""Stored games as viewers want them: one game, or the newest of a running league."""

from __future__ import annotations

from arena.store import Store, StoredGame
from arena.viewers.sources import StoredGame as Shown
from envs.registry import game as game_of


def shown(store: Store, stored: StoredGame) -> Shown:
    """A stored game with its players' latest ratings; raises ValueError if its rules have changed since."""
    rules = game_of(stored.game)
    if rules.version != stored.rules:
        raise ValueError(
            f"Game {stored.id} was played by the rules of {stored.game} version {stored.rules}; "
            f"here are rules {rules.version}, by which it cannot be shown."
        )
    elos = {point.name: (point.elo, point.high - point.low) for point in store.rating_history(stored.game)}
    ratings = tuple(f"{elos[name][0]:.0f} ± {elos[name][1] / 2:.0f}" if name in elos else "" for name in stored.seats)
    return Shown(
        game=rules,
        moves=tuple(stored.moves),
        names=stored.seats,
        seed=stored.seed,
        opening=stored.opening,
        ratings=ratings if any(ratings) else (),
        result=stored.results,
        facts=(("game", stored.id), ("run", stored.run), ("purpose", stored.purpose)),
        key=stored.number,
    )


class NewestGames:
    """The newest games of a database, as a league commits them."""

    def __init__(self, store: Store, game: str | None = None) -> None:
        self.store, self.game = store, game

    def newest(self, after: int | None) -> Shown | None:
        found = self.store.newest(after or 0, self.game)
        return None if found is None else shown(self.store, found)
