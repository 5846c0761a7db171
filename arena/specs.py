"""Specs that stand for somebody found elsewhere: `best:GAME` in a database, a run's folder for its newest agent."""

from __future__ import annotations

from pathlib import Path

from agents.registry import AGENTS, is_program


def expand(spec: str, database: Path) -> str:
    """The spec of the agent that `best:GAME` or a run's folder stands for now; any other spec as it is."""
    name, _, options = spec.partition(":")
    if name == "best":
        return best(options, database)
    folder = Path(name)
    if name in AGENTS or (folder / "agent.toml").exists() or not (folder / "agents").is_dir():
        return spec
    from agents.storage import newest_agent

    return ":".join(filter(None, [str(newest_agent(folder)), options]))


def best(game: str, database: Path) -> str:
    """The spec of the trained agent that is rated highest in a game; raises StoreError if there is none."""
    from arena.leaderboard import ratings
    from arena.store import Store, StoreError
    from envs.registry import game as game_of

    if not game:
        raise StoreError("Say in which game, for example best:connect_four.")
    name = game_of(game).name
    with Store.read(database) as store:
        members = (member for member in store.members(name) if member.sha256 and not is_program(member.spec))
        trained = {member.name: member.spec for member in members}
        if trained:
            for row in ratings(store, name).rows():
                if row["name"] in trained and row["games"]:
                    return trained[str(row["name"])]
    raise StoreError(f"{database} has no trained agent of {name} with rated games; `arena league` makes some.")
