"""Our heads in the policy of sb3-contrib's MaskablePPO, for games in which not every move may be played."""

from __future__ import annotations

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy

from arena.engines.policies import Heads


class MaskedActorCritic(Heads, MaskableActorCriticPolicy):
    """Policy and returns by our heads, on one body; what may not be played has probability 0."""
