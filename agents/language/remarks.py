"""What goes wrong while a language model learns by reinforcement, in words, with the setting that helps."""

from __future__ import annotations

from collections.abc import Mapping

SEEN = ("train/entropy", "train/zero_variance", "rollout/accuracy", "rollout/cut_off", "rollout/length")
PATIENCE = 20
"""Rounds over which measures are smoothed, and before which nothing is said."""
FADED, ALIKE, RUNNING = 0.02, 0.8, 0.5
"""Nats a token below which a policy explores no more; share of groups without a difference, and of answers cut off,
above which something is wrong."""
WELL = 0.9
"""Accuracy from which little is left to explore, and equal rewards are as they should be."""


class Remarks:
    """Running means of a learner's measures, and what there is to say of them."""

    def __init__(self) -> None:
        self.means: dict[str, float] = {}
        self.rounds = 0

    def hear(self, metrics: Mapping[str, float]) -> None:
        """Takes in one round's measures."""
        self.rounds += 1
        share = max(1.0 / self.rounds, 1.0 / PATIENCE)
        for name in SEEN:
            if name in metrics:
                before = self.means.get(name, metrics[name])
                self.means[name] = before + share * (metrics[name] - before)

    def now(self) -> tuple[str, ...]:
        """A sentence for each thing that goes wrong now."""
        if self.rounds < PATIENCE or self.means["rollout/accuracy"] >= WELL:
            return ()
        said = []
        accuracy, alike = self.means["rollout/accuracy"], self.means["train/zero_variance"]
        if self.means.get("train/entropy", 1.0) < FADED:
            said.append(
                f"The entropy has collapsed to {self.means['train/entropy']:.3f} nats a token at an accuracy of "
                f"{accuracy:.0%}: little is tried any more; raise learner.entropy or raise learner.clip_high, or "
                "lower learner.learning_rate."
            )
        if alike > ALIKE and accuracy < 0.5:
            said.append(
                f"In {alike:.0%} of the groups all answers are paid the same, mostly nothing, and teach nothing; begin "
                "with easier prompts (groups.curriculum.start=1), draw more answers (groups.group), or begin from "
                "`arena train sft`."
            )
        elif alike > ALIKE:
            said.append(
                f"In {alike:.0%} of the groups all answers are paid the same, mostly in full, and teach nothing; let "
                "the level rise sooner (groups.curriculum.up) or draw others in their place (groups.refill=2)."
            )
        if self.means["rollout/cut_off"] > RUNNING:
            said.append(
                f"{self.means['rollout/cut_off']:.0%} of the answers run on until they are cut off, "
                f"{self.means['rollout/length']:.0f} tokens in the mean; set learner.overlong=0.2 or raise "
                "learner.format_reward."
            )
        return tuple(said)

    def state(self) -> dict[str, object]:
        """All that it says follows from."""
        return {"means": dict(self.means), "rounds": self.rounds}

    def restore(self, state: Mapping[str, object]) -> None:
        """Goes on where `state` was taken."""
        means, rounds = state["means"], state["rounds"]
        assert isinstance(means, Mapping) and isinstance(rounds, int)
        self.means, self.rounds = {str(name): float(value) for name, value in means.items()}, rounds
