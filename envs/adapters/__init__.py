"""Our games under other projects' interfaces."""

from __future__ import annotations

from envs.registry import GAMES

VARIANTS = {"Othello6x6": "othello:size=6"}
"""Names under which a game with options is known to Gymnasium, besides every game of the table."""


def gymnasium_names() -> dict[str, str]:
    """Gymnasium's name of each game, without namespace and version, and the game's spec."""
    return {"".join(word.capitalize() for word in name.split("_")): name for name in GAMES} | VARIANTS


def register_gymnasium() -> None:
    """Makes `gymnasium.make("arena/ConnectFour-v0")` work; where the project is installed, Gymnasium calls it."""
    from gymnasium.envs.registration import register, registry

    for name, spec in gymnasium_names().items():
        if f"arena/{name}-v0" not in registry:
            register(
                id=f"arena/{name}-v0",
                entry_point="envs.adapters.gymnasium:OneSeatEnv",
                vector_entry_point="envs.adapters.gymnasium:OneSeatVectorEnv",
                kwargs={"game": spec},
            )
