"""What a learner is, and what the player is that gathers its experience."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

from agents.agent import Unable
from agents.experience import Columns
from agents.networks import Network, Weights

if TYPE_CHECKING:
    from agents.play import Finished
    from envs.game import Game

Metrics: TypeAlias = dict[str, float]
"""Numbers for the curves, under the names that SB3 gives: train/loss, rollout/ep_rew_mean ..."""

State: TypeAlias = dict[str, Any]
"""Nested dicts of arrays, tensors, numbers and text: everything an exact resume needs."""


class Learner(Protocol):
    """Turns experience into weights; knows no Ray, no files, no screen.

    Made as `Learner(game, network, settings, seed)`, where `settings` is the dataclass of the algorithm's settings;
    everything random follows from the seed. A learner without a network (a table) is given None for it.

    A learner is one line in `agents.registry.ALGORITHMS`; its settings' class stands beside it, under its name and
    `Settings` (`PPO`, `PPOSettings`). Then `arena train NAME GAME` trains, keeps, resumes and snapshots it.

    player   name in `agents.registry.PLAYERS` of what gathers its experience on the workers, and of the section of the
             configuration with that player's settings; "" for a learner that plays by itself, inside `update`: it is
             then given {} as experience, once a round, and says what it played in its metrics (`rollout/games`,
             `rollout/ep_rew_mean`, `rollout/ep_len_mean`)
    playing  the player's settings unless the configuration says otherwise; None if there is no player
    ahead    whether workers play on with the weights before while it learns (one round of staleness), or wait for the
             new ones, as algorithms want that learn from their own policy alone
    reads    names of the columns of experience that it cannot do without, seen to be there before it learns (`given`)
    steps    how far it has come, what `--steps` counts: of the optimiser, or of the game if it learns from rollouts
    """

    player: ClassVar[str]
    playing: ClassVar[Any]
    ahead: ClassVar[bool]
    reads: tuple[str, ...]
    steps: int

    @staticmethod
    def parts(game: Game, settings: Any) -> tuple[str, tuple[str, ...]]:
        """The backbone and the heads of its network, as specs, where the configuration names none; ("", ()) if it has
        no network. Raises `agents.agent.Unable` for a game that it cannot learn, before anything starts."""
        ...

    def update(self, experience: Columns, progress: float) -> Metrics:
        """Learns from new experience; `progress` in [0, 1] says how much of the run is over.

        One that learns from rollouts then shows all its networks what was seen (`agents.stem.see`).
        """
        ...

    def weights(self) -> Weights:
        """What actors need, and what a snapshot stores (but see `Keeping`), in arrays of their own."""
        ...

    def state(self) -> State:
        """Everything that the rest of the learning follows from, save settings; may share memory with the learner."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from where `state` was taken, under its own settings."""
        ...


@runtime_checkable
class Suiting(Protocol):
    """A learner whose default settings depend on the game."""

    @staticmethod
    def suited(game: Game, begun: bool = False, alone: bool = True) -> tuple[Any, Any]:
        """Its settings, and its player's, where the configuration says nothing else.

        begun  whether it goes on with weights that were learned before
        alone  whether it may play whole games by itself: in our own loop, all the seats, and remembering nothing
        """
        ...


@runtime_checkable
class Keeping(Protocol):
    """A learner whose agent is another than the one that plays: a mean of what it was, or what it learns beside it."""

    def kept(self) -> Weights:
        """What a snapshot stores."""
        ...


@runtime_checkable
class Trying(Protocol):
    """A learner that wants to be tried otherwise than others while it learns."""

    trials: ClassVar[Mapping[str, int]]
    """Of `arena.evaluation.EvaluationSettings` what is different, where the configuration says nothing else."""


@runtime_checkable
class Dealing(Protocol):
    """A learner that learns from whole hands, too (`agents.hands`): from what was done in the mean."""

    whole_hands: ClassVar[bool]


@runtime_checkable
class Matched(Protocol):
    """A learner that would not do what its settings say by some of its player's."""

    @staticmethod
    def match(settings: Any, playing: Any, game: Game, *, workers: int, remembers: bool) -> None:
        """Raises ValueError, which names the cause and the mend, for those that do not go together.

        `remembers` says whether its network does.
        """
        ...


@runtime_checkable
class Watchful(Protocol):
    """A learner that sees when its learning goes wrong."""

    def warnings(self) -> tuple[str, ...]:
        """What goes wrong just now, a sentence or two each, with the setting that helps."""
        ...


def along(reads: Iterable[str], network: Network) -> tuple[str, ...]:
    """Names of columns, and of those that a network needs beside them to be led along tracks, if it remembers."""
    carried = ("fresh", *(f"memory.{name}" for name in network.memory)) if network.memory else ()
    return tuple(dict.fromkeys((*reads, *carried)))


def given(learner: Learner, columns: Columns) -> Columns:
    """Experience that holds all that a learner reads; raises `agents.agent.Unable` if it does not."""
    missing = [name for name in learner.reads if name not in columns]
    if missing:
        who, player = type(learner).__name__, learner.player or "nobody"
        raise Unable(f"{who} learns from {', '.join(missing)}, too, which its player ({player}) does not gather.")
    return columns


def kept_weights(learner: Learner) -> Weights:
    """What a snapshot of a learner stores."""
    return learner.kept() if isinstance(learner, Keeping) else learner.weights()


class Player(Protocol):
    """Gathers experience on a worker, with the weights that it is given.

    What it gathers follows from its seed, its settings, the weights and nothing else.

    evaluations  positions that the network has looked at so far
    backend      what runs the network
    """

    evaluations: int
    backend: str

    @classmethod
    def of(cls, network: Network, settings: Any, seed: int, backend: str) -> Self:
        """A player of the network's game; `backend` is "auto" or one of `agents.inference.BACKENDS`."""
        ...

    def load(self, arrays: Weights) -> None:
        """Takes the learner's newest weights."""
        ...

    def collect(self, positions: int) -> tuple[Columns, list[Finished]]:
        """Plays on, from where it was, until there are about so many positions to learn from.

        Returns them, the first axis the same for all and joined over the workers, and the games that ended.
        """
        ...

    def state(self) -> Mapping[str, Any]:
        """Every array that the rest of its play depends on, weights aside; may share memory with the player."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from where `state` was taken, with as many of its lanes as there are now."""
        ...
