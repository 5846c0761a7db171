"""Language: tokens a second that a small model writes, beside Hugging Face's `generate`, and learns from, beside TRL.

    arena bench language --option threads=1
    arena bench language --option device=cuda

A model of 4 layers of width 128 with random weights continues 512 prompts of 12 tokens by 24 each, none of which ends
early, at temperature 1. `threads` cores, by default all that this process may use; by the time that others left to it,
and with device=cuda by the clock, when the device has done all. `threads=1` is the fair figure on a machine that is
busy: threads of one product wait for each other.

The rows called arithmetic count multiplications: what writing does a second, against what products of the same matrices
reach by themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from functools import cache
from tempfile import mkdtemp
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from agents.hardware import device_of, native_bfloat16
from agents.language.device_sampling import DeviceSampler
from agents.language.groups import Curriculum, Groups, GroupSettings
from agents.language.model import parts
from agents.language.sampling import WIDEST, Sampler
from agents.learn.grpo import GRPO, GRPOSettings
from agents.networks import Network
from agents.placed import Placed
from arena.bench.measure import Contest, Measure, Side, core_rate, machine_rate, rate, stay_on_one_core
from arena.sections import cores
from envs import kernels
from envs.registry import game

LANES, PROMPT, ANSWER = 512, 12, 24
LAYERS, WIDTH, HEADS, TOKENS = 4, 128, 4, 64
PROMPTS, GROUP, ROUNDS = 8, 8, 5
STEPS = 25
"""Of a call of TRL's trainer, which makes its optimiser, loader and schedule anew in each call."""
TASK = f"reverse:length={ANSWER - 1}"
BODY = f"gpt:layers={LAYERS},width={WIDTH},heads={HEADS},context=64"
UNIT = "tokens/s"
Speed: TypeAlias = Callable[[Callable[[], float]], Measure]
"""What makes a measure of work."""


def contests(threads: str = "0", training: str = "yes", device: str = "cpu") -> Iterator[Contest]:
    """Sampling against `generate` in float32 and bfloat16, and against products alone; then GRPO, if training=yes."""
    if device not in ("cpu", "cuda", "auto"):
        raise ValueError(f"device is cpu, cuda or auto, not {device}.")
    device, used = device_of(device), int(threads) or cores()
    speed, on = machine_rate, f"{used} {'core' if used == 1 else 'cores'}"
    if device != "cpu":
        speed, on = device_rate, torch.cuda.get_device_name(device)
    elif used == 1:
        stay_on_one_core()
        speed = core_rate
    torch.set_num_threads(used)
    yield from _written(used, device, on, speed)
    if training == "yes":
        yield from _learned(used, device, on, speed)


def _written(used: int, device: str, on: str, speed: Speed) -> Iterator[Contest]:
    subject = f"sampling, {LANES} prompts of {PROMPT} and answers of {ANSWER}, {on}"
    narrow = device != "cpu" or native_bfloat16()
    best = Side("arena", lambda: speed(writing(narrow, used, device)))
    plain = Side("arena in float32", lambda: speed(writing(False, used, device)))
    note = "ours multiplies bfloat16" if narrow else "ours multiplies float32: the CPU has no bfloat16"
    generate = Side("Hugging Face generate, float32", lambda: speed(generating(torch.float32, device)))
    half = Side("Hugging Face generate, bfloat16", lambda: speed(generating(torch.bfloat16, device)))
    yield Contest(subject, UNIT, best, generate, note)
    yield Contest(f"{subject}, bfloat16", UNIT, best, half, note)
    yield Contest(f"{subject}, float32", UNIT, plain, generate)
    if device != "cpu":
        return
    for side, kind in ((best, torch.bfloat16 if narrow else torch.float32), (plain, torch.float32)):
        yield Contest(
            f"{subject}, {str(kind).removeprefix('torch.')}: arithmetic",
            "GFLOP/s",
            Side(side.name, lambda side=side: scaled(side.make(), 2e-9 * multiplications() / ANSWER)),
            Side("its products alone", lambda kind=kind: speed(products(kind, used))),
            f"{multiplications() / ANSWER:,.0f} multiply-adds for each token written, the reading of prompts included",
        )


def _learned(used: int, device: str, on: str, speed: Speed) -> Iterator[Contest]:
    subject = f"GRPO, {PROMPTS} prompts of {ANSWER}, {GROUP} answers of {ANSWER} to each, written and learned from"
    trainer = Side("TRL's GRPOTrainer, float32", lambda: speed(trl_learning(device)))
    plain = Side("arena in float32", lambda: speed(learning(used, False, device)))
    note = f"GRPO in float32: what is written, too, on either side; TRL's trainer is asked for {STEPS} steps a call"
    if device != "cpu" or native_bfloat16():
        best = Side("arena in bfloat16", lambda: speed(learning(used, True, device)))
        narrow = "GRPO in bfloat16: products alone, as with workers.precision=bfloat16"
        yield Contest(f"{subject}, {on}", UNIT, best, trainer, narrow)
        if device != "cpu":
            half = Side("TRL's GRPOTrainer, bfloat16", lambda: speed(trl_learning(device, True)))
            yield Contest(f"{subject}, {on}, bfloat16", UNIT, best, half)
    yield Contest(f"{subject}, {on}, float32", UNIT, plain, trainer, note)


def device_rate(work: Callable[[], float]) -> Measure:
    """Amounts a second by the clock, until a CUDA device has done all that it was asked for."""

    def whole() -> float:
        amount = work()
        torch.cuda.synchronize()
        return amount

    return rate(whole)


def scaled(measure: Measure, factor: float) -> Measure:
    """A measure in another unit."""
    return lambda seconds: factor * measure(seconds)


def multiplications() -> int:
    """Multiply-adds for one text: matrices, attention to what came before, and scores of the answer's tokens.

    Of a prompt's tokens but the last, the last layer has only the keys and values to make.
    """
    passes = PROMPT + ANSWER - 1
    whole = passes * LAYERS - (PROMPT - 1)
    looks = LAYERS * passes * (passes + 1) // 2 - PROMPT * (PROMPT - 1) // 2
    return 12 * WIDTH**2 * whole + 3 * WIDTH**2 * (PROMPT - 1) + 2 * WIDTH * looks + ANSWER * TOKENS * WIDTH


def prompts() -> NDArray[np.uint8]:
    """[LANES, PROMPT] tokens, no two prompts alike."""
    return np.random.default_rng(0).integers(1, TOKENS, (LANES, PROMPT)).astype(np.uint8)


@cache
def model() -> Network:
    """A model that has learned nothing, and never ends an answer."""
    network = Network(game(TASK), BODY, ("token",)).eval()
    body, _ = parts(network)
    with torch.no_grad():
        body.exit.weight[0], body.exit.bias[0] = 0.0, 1.0
        body.table[:, 0] = 0.0
        body.table[0, 0] = -1e4
    return network


def writing(narrow: bool, threads: int, device: str = "cpu") -> Callable[[], float]:
    """Our sampler at work; gives the tokens it wrote."""
    compiled = device == "cpu"
    sampler = Sampler(model(), LANES, narrow, threads) if compiled else DeviceSampler(model(), LANES, narrow, device)
    given, count, seeds = prompts(), np.full(LANES, PROMPT), kernels.seeds(0, LANES)

    def work() -> float:
        return float(sampler.sample(given, count, ANSWER, seeds).length.sum())

    assert work() == LANES * ANSWER
    return work


def generating(kind: torch.dtype, device: str = "cpu") -> Callable[[], float]:
    """A GPT-2 of the same shape, activation and sampling under `generate` with its cache."""
    from transformers import GPT2Config, GPT2LMHeadModel  # pyright: ignore[reportMissingImports]

    shape = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64, "vocab_size": TOKENS}
    ends = {"bos_token_id": None, "eos_token_id": None}
    peer = GPT2LMHeadModel(GPT2Config(**shape, **ends)).eval().to(device, kind)
    given = torch.from_numpy(prompts().astype(np.int64)).to(device)
    mask = torch.ones_like(given)

    def work() -> float:
        with torch.inference_mode():
            whole = peer.generate(
                given,
                attention_mask=mask,
                do_sample=True,
                top_k=0,
                max_new_tokens=ANSWER,
                use_cache=True,
                pad_token_id=0,
            )
        return float((whole.shape[1] - PROMPT) * LANES)

    assert work() == LANES * ANSWER
    return work


def products(kind: torch.dtype, threads: int) -> Callable[[], float]:
    """The model's matrices times as many columns as a block has, on each core; gives 10^9 floating-point operations."""
    sizes = ((3 * WIDTH, WIDTH), (WIDTH, WIDTH), (4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH))
    rounds = 50

    def one(_: int) -> float:
        usual = torch.get_num_threads()
        torch.set_num_threads(1)
        matrices = [torch.randn(size).to(kind) for size in sizes]
        columns = [torch.randn(size[1], WIDEST).to(kind) for size in sizes]
        out = [torch.empty(size[0], WIDEST, dtype=kind) for size in sizes]
        for _ in range(rounds):
            for matrix, column, to in zip(matrices, columns, out, strict=True):
                torch.mm(matrix, column, out=to)
        torch.set_num_threads(usual)
        return 2e-9 * rounds * WIDEST * sum(rows * inner for rows, inner in sizes)

    def work() -> float:
        with torch.inference_mode(), ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(one, range(threads)))

    work()
    return work


def learning(threads: int, half: bool, device: str = "cpu") -> Callable[[], float]:
    """Our GRPO at work, one step on each round's answers, paid at random; gives the tokens written and learned from.

    half  whether products are of bfloat16, the sampler's and, as with workers.precision=bfloat16, the learner's;
          weights are of float32
    """
    network = Placed(model().game, BODY, ("token",), device=device, half=half).eval()
    network.load_state_dict(model().state_dict())
    settings = GRPOSettings(average="answers", dynamic="no", entropy=0.0, kl=0.0, batch=PROMPTS * GROUP)
    learner = GRPO(network.game, network, settings, 0)
    player = Groups(network, GroupSettings(prompts=PROMPTS, group=GROUP, curriculum=Curriculum(start=0, easier=0.0)), 0)
    texts = PROMPTS * GROUP
    player.sampler = Sampler(network, texts, half) if device == "cpu" else DeviceSampler(network, texts, half, device)
    generator = np.random.default_rng(0)

    def work() -> float:
        torch.set_num_threads(threads)
        tokens = 0
        for _ in range(ROUNDS):
            player.load(learner.weights())
            columns, _ = player.collect(0)
            learner.update({**columns, "paid": generator.random(PROMPTS * GROUP, np.float32)}, 0.0)
            tokens += int(columns["length"].sum())
            assert (columns["prompted"] == ANSWER).all()
        return float(tokens)

    assert work() == ROUNDS * PROMPTS * GROUP * ANSWER
    return work


def trl_learning(device: str = "cpu", half: bool = False) -> Callable[[], float]:
    """TRL's trainer with a GPT-2 of the same shape: as many prompts of as many tokens, answers, steps and pay."""
    from datasets import Dataset  # pyright: ignore[reportMissingImports]
    from tokenizers import Tokenizer, models, pre_tokenizers  # pyright: ignore[reportMissingImports]
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast  # pyright: ignore
    from trl import GRPOConfig, GRPOTrainer  # pyright: ignore[reportMissingImports]

    words = ["end", *(f"t{i}" for i in range(1, TOKENS))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="end"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    ends = {"eos_token": "end", "pad_token": "end", "unk_token": "end"}
    shape = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 64, "vocab_size": TOKENS}
    given = np.random.default_rng(0).integers(1, TOKENS, (256, ANSWER))
    pay = np.random.default_rng(1)
    arguments = {
        "output_dir": mkdtemp(prefix="trl-"), "max_steps": 1, "per_device_train_batch_size": PROMPTS * GROUP,
        "num_generations": GROUP, "max_completion_length": ANSWER, "generation_kwargs": {"min_new_tokens": ANSWER},
        "learning_rate": 1e-3, "loss_type": "grpo", "beta": 0.0, "use_cpu": device == "cpu", "bf16": half,
        "report_to": [], "gradient_checkpointing": False, "save_strategy": "no", "logging_strategy": "no",
        "disable_tqdm": True,
    }  # fmt: skip
    trainer = GRPOTrainer(
        model=GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=0)),
        reward_funcs=lambda completions, **_: pay.random(len(completions)).tolist(),
        args=GRPOConfig(**arguments),
        train_dataset=Dataset.from_list([{"prompt": " ".join(words[token] for token in row)} for row in given]),
        processing_class=PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **ends),
    )

    def work() -> float:
        with redirect_stdout(sys.stderr):
            trainer.train()
        return float(trainer.args.max_steps * PROMPTS * GROUP * ANSWER)

    work()
    trainer.args.max_steps = STEPS
    return work
