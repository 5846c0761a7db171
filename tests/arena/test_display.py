"""The live display says what each learner says of itself."""

from __future__ import annotations

import pytest
from rich.console import Console

from agents.play import Finished
from arena.display import Display, numbers, picture
from arena.status import STARTING, Status
from arena.train import Round
from arena.worker import Chunk


def text(status: Status) -> str:
    console = Console(width=100)
    with console.capture() as shown:
        console.print(numbers(status))
        console.print(picture(status, 100))
    return shown.get()


def done(number: int, rewards: list[float], **metrics: float) -> Round:
    games = [Finished(0, (0,), 0, [1, 1], (reward,), i) for i, reward in enumerate(rewards)]
    named = {f"train/{name}": value for name, value in metrics.items()}
    return Round(number, [Chunk({}, games, {}, 0, 0, 0, 1.0)], named, 2.0, 0, 2 * len(games))


def test_a_league_says_off_a_terminal_what_begins(capsys) -> None:
    shown = []
    for display in (Display(phases=True), Display()):
        status = Status("connect_four", "a")
        with display:
            display.phase(STARTING)
            for doing in (STARTING, "self-play and learning", "self-play and learning", "rating"):
                status.doing = doing
                display.show(status)
        shown.append(capsys.readouterr().err)
    assert shown == [f"{STARTING.capitalize()} ...\nSelf-play and learning ...\nRating ...\n", ""]


def test_each_learner_shows_its_own_losses_and_no_other() -> None:
    alphazero, dqn = Status("connect_four", "a"), Status("cart_pole", "b")
    alphazero.take(done(1, [1.0, -1.0], policy_divergence=0.25, value_loss=0.5))
    dqn.take(done(1, [20.0, 40.0], loss=0.125, q=17.5))
    first, second = text(alphazero), text(dqn)
    assert "policy loss above its least" in first and "0.250" in first and "return expected" not in first
    assert "return expected of its moves" in second and "17.500" in second and "above its least" not in second
    assert "30.000" in second and "0.000" in first  # the mean rewards


def test_the_last_reward_stays_while_no_game_ends() -> None:
    status = Status("cart_pole", "a")
    assert "…" in text(status)
    status.take(done(1, [20.0, 40.0], loss=0.5))
    status.take(done(2, [], loss=0.25))
    assert status.metrics == {"rollout/ep_rew_mean": 30.0, "train/loss": 0.25}
    status.take(done(3, [1.0], loss=0.25))
    assert status.metrics["rollout/ep_rew_mean"] == 1.0


def test_a_terminal_says_what_begins_until_there_is_a_picture() -> None:
    display = Display(phases=True)
    display.quiet, shown = False, []
    display.live.update = lambda drawn, **_: shown.append(str(drawn))  # type: ignore[method-assign]
    display.phase(STARTING)
    display.put("a picture")
    display.phase("rating")
    assert shown == [f"{STARTING.capitalize()} ...", "a picture"]


def test_a_terminal_on_which_nothing_can_be_drawn_is_told_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes standard error for a terminal
    monkeypatch.setenv("TERM", "xterm")
    assert not Display().quiet
    monkeypatch.setenv("TERM", "dumb")
    assert Display().quiet
