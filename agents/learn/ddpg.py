"""DDPG: a policy climbs what a critic makes of its action, both learned from memories (Lillicrap et al. 2016).

"Continuous control with deep reinforcement learning", arXiv:1509.02971: what `agents.learn.td3` does with one critic,
no delay and no softened targets. Differs: the mover strays by independent noise, not by an Ornstein-Uhlenbeck process.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.learn.td3 import TD3, TD3Settings


@dataclass(frozen=True)
class DDPGSettings(TD3Settings):
    """How DDPG learns; in brackets what the paper takes, which TD3 came to change.

    critics         how many there are (1)
    delay           steps of the critics for one of the actor and of the targets (1)
    smoothing       spread of what is added to the target's action (0)
    """

    critics: int = 1
    delay: int = 1
    smoothing: float = 0.0


class DDPG(TD3):
    """The learner: TD3's, by other settings."""
