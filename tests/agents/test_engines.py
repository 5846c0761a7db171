"""Engines by GTP: what they are told is GTP to the letter, what they answer is a move or a forfeit with its kind."""

import shlex
import sys
import textwrap

import numpy as np
import pytest

from agents.agent import Unable
from agents.external.gtp import Gtp, ended_after
from agents.external.process import Fault
from agents.external.program import Program, Settings
from agents.play import play_games, read_forfeit
from agents.registry import agent
from envs import kernels
from envs.registry import game

ENGINE = """
import sys
stones, heard = [], []
for line in sys.stdin:
    words = line.split()
    if words[0] == "clear_board":
        stones = []
    if words[0] == "play":
        assert words[1] == "bw"[len(stones) % 2], line
        stones.append(words[2])
    answer = "2" if words[0] == "protocol_version" else ""
    if words[0] == "genmove":
        assert words[1] == "bw"[len(stones) % 2], line
        {go}
        stones.append(answer)
    heard.append(line)
    sys.stdout.write("? unknown\\n\\n" if words[0] == "time_settings" else "=1 " + answer + "\\n\\n")
    sys.stdout.flush()
"""
GO = 'answer = min((c for c in "abcdefg" if stones.count(c) < 6), key=stones.count)'


@pytest.fixture
def engine(tmp_path):
    def make(go: str) -> str:
        file = tmp_path / "engine.py"
        file.write_text(ENGINE.format(go=textwrap.indent(go, " " * 8).strip()))
        return shlex.join([sys.executable, str(file)])

    return make


def meet(command: str, count: int = 3) -> list:
    player = Program(command, Settings(box="no", protocol="gtp", move=1.0))
    seating = np.array([[i % 2, 1 - i % 2] for i in range(count)])
    try:
        return play_games(game("connect_four"), [player, agent("random")], seating, kernels.seeds(1, count))
    finally:
        player.close()


def test_an_engine_plays_several_games_side_by_side(engine):
    games = meet(engine(GO), 4)
    assert [played.reason for played in games] == [""] * 4
    for played in games:  # it chose from what it had been told: the emptiest column, the leftmost
        seat = played.players.index(0)
        for ply in range(seat, len(played.moves), 2):
            before = [played.moves[:ply].count(column) for column in range(7)]
            assert played.moves[ply] == before.index(min(before))


@pytest.mark.parametrize(
    ("go", "kind", "text"),
    [
        ('answer = "resign"', "resigned", "it resigned."),
        ('answer = "z9"', "nonsense", "no move of connect_four"),
        ("sys.exit(3)", "crash", "code 3"),
        ('sys.stdout.write("a"); sys.stdout.flush()', "nonsense", "begins with = or ?"),
        (
            'sys.stdout.write("? no idea\\n\\n"); sys.stdout.flush(); continue',
            "nonsense",
            "answered 'genmove b' with",
        ),
        ("import time; time.sleep(9)", "late", "1 s"),
    ],
)
def test_what_an_engine_does_wrong_is_a_forfeit(go, kind, text, engine):
    (played,) = meet(engine(go), 1)
    seat, forfeit = read_forfeit(played.reason)  # type: ignore[misc]
    assert (seat, forfeit.kind) == (0, kind) and text in forfeit.text


class Deaf:
    """Notes what it is told and answers every command well, `genmove` with a move."""

    def __init__(self, answer: str) -> None:
        self.told, self.answer = "", answer

    def ask(self, message, seconds, ended, most):
        self.told = message.decode()
        replies = [f"= {self.answer if line.startswith('genmove') else ''}\n\n" for line in self.told.splitlines()]
        text = "".join(replies)
        assert ended(text.encode()) == len(text) and not ended(text[:-1].encode())
        return text.rstrip("\n")


def test_what_an_engine_of_go_is_told():
    rules = game("go")
    moves = [rules.action(name) for name in ("e5", "c3", "pass")]
    view = kernels.view(rules, kernels.replay(rules, 0, moves)[-1:])._replace(moves=[moves])
    process, speaker = Deaf("D4"), Gtp()
    assert speaker.move(process, view, 0, 7, 1.0) == "d4"  # type: ignore[arg-type]
    assert process.told.splitlines() == [
        "boardsize 9", "clear_board", "komi 7.5", "play b e5", "play w c3", "play b pass", "genmove w",
    ]  # fmt: skip
    moves += [rules.action("d4"), rules.action("j9")]
    view = kernels.view(rules, kernels.replay(rules, 0, moves[:5])[-1:])._replace(moves=[moves])
    assert speaker.move(process, view, 0, 7, 1.0) == "d4"  # type: ignore[arg-type]
    assert process.told.splitlines() == ["play b j9", "genmove w"]
    speaker.move(process, view, 0, 8, 1.0)  # type: ignore[arg-type]
    assert process.told.startswith("boardsize 9\nclear_board\n")


def test_where_answers_end():
    assert ended_after(1)(b"= a1\n") == 0
    assert ended_after(1)(b"= a1\n\n") == 6
    assert ended_after(2)(b"=\r\n\r\n= a1\r\n\r\n") == 13
    assert ended_after(2)(b"=\n\n= a1\n") == 0
    assert Fault("x", "y").fatal


def test_games_that_engines_do_not_play_are_refused(engine):
    player = Program(engine(GO), Settings(box="no", protocol="gtp"))
    with pytest.raises(Unable, match="GTP is for go"):
        player.begin(game("kuhn"), kernels.seeds(1, 1))
    with pytest.raises(Unable, match="arena, gtp or uci"):
        agent("exec,protocol=xboard:true")
