"""Networks that compute elsewhere: on a GPU, in bfloat16, or each of several learners its part of every batch.

A placed network is asked and answers like any other, with float32 on the CPU; so a learner is the same wherever its
network is. Of a group of learners each shows its network its own part of a batch and hears from the others what theirs
said. All have the whole batch's outputs then, and compute the same loss; the gradient that comes back through a
learner's own part is its share of the whole batch's, and `add_up` adds the shares up, before they are clipped. So the
learners' weights stay the same to the last bit, and what is not a network (targets of returns, schedules, generators,
replays) each works out for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import torch
from torch import Tensor, nn

from agents.backbones import Carried
from agents.networks import RESNET, Network
from envs.game import Game

Said = TypeVar("Said")
Given = ParamSpec("Given")


class Group(Protocol):
    """Learners that do the same at the same time, of which this is number `rank`."""

    rank: int
    size: int

    def add(self, tensor: Tensor) -> None:
        """Puts the sum of all learners' tensors in place of this one's; the bits are the same for all."""
        ...


class Placed(Network):
    """A network on a device, in a precision, perhaps of one learner of a group.

    half  whether it computes in bfloat16 (autocast), but for the last layers; weights are of float32

    What a policy of float32 has played is learned from in bfloat16 with ratios that are not quite 1 in the first pass:
    of a `windows` body whose logits spread by 1.5 they strayed by 0.7 % (standard deviation).

    A loss that is to be shared among a group reaches the weights through what the network says, and no other way.
    """

    def __init__(
        self,
        game: Game,
        backbone: str = RESNET,
        heads: Sequence[str] = ("policy", "value"),
        seed: int = 0,
        *,
        device: str = "cpu",
        half: bool = False,
        group: Group | None = None,
    ) -> None:
        super().__init__(game, backbone, heads, seed)
        self.device, self.halved, self.group = torch.device(device), half, group
        self.shared = False
        if group is not None:
            _norm_together(self, group)
        self.to(self.device)

    def forward(self, obs: Tensor, only: Sequence[str] = ()) -> dict[str, Tensor]:
        return self.ask(partial(super().forward, only=only), obs)

    def unroll(self, obs: Tensor, carried: Carried, fresh: Tensor) -> tuple[dict[str, Tensor], Carried]:
        names, inner = list(carried), super().unroll

        def call(obs: Tensor, fresh: Tensor, *before: Tensor) -> tuple[dict[str, Tensor], Carried]:
            return inner(obs, dict(zip(names, before, strict=True)), fresh)

        return self.ask(call, obs, fresh, *carried.values())

    def ask(self, call: Callable[..., Said], *given: Any) -> Said:
        """What a call that goes through this network makes of a batch: the first axis of each tensor in and out."""
        count = next(len(one) for one in given if isinstance(one, Tensor))
        with self._computing():
            said = call(*(self._own(one) if isinstance(one, Tensor) else one for one in given))
        return self._wholes(said, count)

    def twin(self) -> Network:
        how: dict[str, Any] = {"device": str(self.device), "half": self.halved, "group": self.group}
        other = Placed(self.game, self.spec, self.head_specs, **how)
        other.load_state_dict(self.state_dict())
        return other.train(self.training)

    def add_up(self, weights: Iterable[nn.Parameter]) -> None:
        """Puts the whole batch's gradients of weights in place of this learner's, if it was asked in parts."""
        if self.group is None or not self.shared:
            return
        self.shared = False
        grads = [parameter.grad for parameter in weights if parameter.grad is not None]
        joined = torch.cat([grad.flatten() for grad in grads])
        self.group.add(joined)
        for grad, whole in zip(grads, joined.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(whole.view_as(grad))

    def _computing(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.halved else nullcontext()

    def _own(self, batch: Tensor) -> Tensor:
        """This learner's part of a batch, where the network is."""
        return batch[part_of(len(batch), self.group)].to(self.device)

    def _wholes(self, said: Any, count: int) -> Any:
        """Every tensor of what was said, as the whole batch's."""
        if isinstance(said, Tensor):
            return self._whole(said, count)
        if isinstance(said, dict):
            return {name: self._wholes(one, count) for name, one in said.items()}
        parts = [self._wholes(one, count) for one in said]
        return type(said)(*parts) if hasattr(said, "_fields") else tuple(parts)

    def _whole(self, part: Tensor, count: int) -> Tensor:
        """The batch of `count`, of which this learner's network gave a part."""
        part = part.float().cpu()
        if self.group is None:
            return part
        self.shared |= part.requires_grad
        joined = _Joined.apply(part, self.group, count)
        assert isinstance(joined, Tensor)
        return joined


def in_parts(call: Callable[Concatenate[Network, Given], Said]) -> Callable[Concatenate[Network, Given], Said]:
    """Lets a call of a network and a batch's tensors go where the network is placed, each learner with its part."""

    @wraps(call)
    def asked(network: Network, *given: Given.args, **more: Given.kwargs) -> Said:
        if isinstance(network, Placed):
            return network.ask(partial(call, network, **more), *given)
        return call(network, *given, **more)

    return asked


def part_of(count: int, group: Group | None) -> slice:
    """Which of `count` entries are a learner's: as many as anybody's, or one more."""
    if group is None:
        return slice(0, count)
    return slice(count * group.rank // group.size, count * (group.rank + 1) // group.size)


class _Joined(torch.autograd.Function):
    """All learners' parts as one batch; backwards each takes its own part of the gradient, which all have whole."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, group: Group, count: int) -> Tensor:
        ctx.at = part_of(count, group)
        whole = part.new_zeros(count, *part.shape[1:])
        whole[ctx.at] = part
        group.add(whole)
        return whole

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0][ctx.at], None, None


class _Added(torch.autograd.Function):
    """The sum of all learners' tensors; each has a part of the gradient, and backwards they are summed too."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Group) -> Tensor:
        ctx.group = group
        total = tensor.clone()
        group.add(total)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        total = grads[0].clone()
        ctx.group.add(total)
        return total, None


class JointNorm(nn.BatchNorm2d):
    """Batch normalisation by the mean and the spread of all learners' parts (Ioffe & Szegedy 2015, algorithm 1)."""

    group: Group

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        x = input.float()
        count = self._sum(x.new_full((1,), x.numel() / x.shape[1]))
        mean = self._sum(x.sum((0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = self._sum(centred.square().sum((0, 2, 3))) / count
        running_mean, running_var, seen = self.running_mean, self.running_var, self.num_batches_tracked
        assert running_mean is not None and running_var is not None and seen is not None and self.momentum is not None
        with torch.no_grad():
            running_mean.lerp_(mean, self.momentum)
            running_var.lerp_(variance * count / (count - 1), self.momentum)
            seen.add_(1)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    def _sum(self, tensor: Tensor) -> Tensor:
        total = _Added.apply(tensor, self.group)
        assert isinstance(total, Tensor)
        return total


def _norm_together(network: nn.Module, group: Group) -> None:
    """Lets every batch normalisation see the whole batch; names and weights stay as they are."""
    for module in network.modules():
        for name, child in list(module.named_children()):
            if type(child) is nn.BatchNorm2d:
                joint = JointNorm(child.num_features, child.eps, child.momentum)
                joint.load_state_dict(child.state_dict())
                joint.group = group
                setattr(module, name, joint)
