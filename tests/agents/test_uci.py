"""Chess engines by UCI: an engine with a board of its own understands what it is told and is understood."""

import select
import shlex
import sys

import numpy as np
import pytest

from agents.agent import Unable
from agents.external.process import Process
from agents.external.program import Program, Settings
from agents.external.uci import Uci, ended_by, spelt
from agents.play import play_games, read_forfeit, written
from agents.registry import agent
from envs import kernels
from envs.registry import game

RULES = game("gardner_chess:limit=24")

ENGINE = """
import random, sys
START = "rnbqkppppp.....PPPPPRNBQK"
WAYS = {"n": [(a, b) for a in (-2, -1, 1, 2) for b in (-2, -1, 1, 2) if abs(a) != abs(b)],
        "r": [(0, 1), (1, 0), (0, -1), (-1, 0)], "b": [(1, 1), (1, -1), (-1, 1), (-1, -1)]}
WAYS["q"] = WAYS["k"] = WAYS["r"] + WAYS["b"]

def name(cell):
    return "abcde"[cell % 5] + str(5 - cell // 5)

def cell(name):
    return (5 - int(name[1])) * 5 + "abcde".index(name[0])

def made(board, move):
    board, a, b = list(board), cell(move[:2]), cell(move[2:4])
    piece = board[a]
    if len(move) == 5:
        assert piece in "Pp", move
        piece = move[4].upper() if piece == "P" else move[4]
    board[a], board[b] = ".", piece
    return "".join(board)

def takes(board, white):
    for a, piece in enumerate(board):
        if piece == "." or piece.isupper() != white:
            continue
        kind, line, column = piece.lower(), a // 5, a % 5
        if kind == "p":
            up = line + (-1 if white else 1)
            for side in (-1, 0, 1):
                if 0 <= column + side < 5:
                    b = up * 5 + column + side
                    there = board[b]
                    if (there == ".") if side == 0 else (there != "." and there.isupper() != white):
                        for kind in "qrbn" if up in (0, 4) else [""]:
                            yield a, b, kind
            continue
        for down, right in WAYS[kind]:
            r, c = line + down, column + right
            while 0 <= r < 5 and 0 <= c < 5:
                there = board[r * 5 + c]
                if there == "." or there.isupper() != white:
                    yield a, r * 5 + c, ""
                if there != "." or kind in "nk":
                    break
                r, c = r + down, c + right

def moves(board, white):
    for a, b, kind in takes(board, white):
        after = made(board, name(a) + name(b) + kind)
        king = after.index("K" if white else "k")
        if all(b != king for _, b, _ in takes(after, not white)):
            yield name(a) + name(b) + kind

def say(*words):
    print(*words, flush=True)

print("An engine of ours 1.0")
variant, board, white = "", START, True
for line in sys.stdin:
    words = line.split()
    if words[0] == "uci":
        say("id name ours\\noption name Hash type spin default 1 min 1 max 9")
        say("option name UCI_Variant type combo default chess VARIANTS\\nuciok")
    elif words[0] == "setoption":
        variant = words[-1]
        say("info string variant", variant)
    elif words[0] == "isready":
        say("readyok")
    elif words[0] == "position":
        assert words[1] == "startpos" and variant == "gardner"
        board, white = START, True
        for move in words[3:]:
            assert move in moves(board, white), (move, board)
            board, white = made(board, move), not white
    elif words[0] == "go":
        assert words[1] == "movetime" and int(words[2]) > 0
        say("info depth 1 score cp 3\\ninfo depth 2 pv a1a2")
        random.seed(board)  # the same games in every run
        found = sorted(moves(board, white), key=lambda move: (len(move), random.random()))
        GO
    else:
        assert words[0] == "ucinewgame", line
"""
BEST = 'say("bestmove", found[-1], "ponder a1a2")'


@pytest.fixture
def engine(tmp_path):
    def make(go: str = BEST, variants: str = "var chess var gardner") -> str:
        file = tmp_path / "engine.py"
        file.write_text(ENGINE.replace("GO", go).replace("VARIANTS", variants))
        return shlex.join([sys.executable, str(file)])

    return make


def meet(command: str, count: int):
    player = Program(command, Settings(box="no", protocol="uci", move=20.0))
    seating = np.array([[i % 2, 1 - i % 2] for i in range(count)])
    try:
        return play_games(RULES, [player, agent("random")], seating, kernels.seeds(4, count), referee=True)
    finally:
        player.close()


def test_an_engine_may_greet_before_it_is_asked(engine, monkeypatch):
    """As most do, in a line with name and version: whether it comes before or after the first question is chance."""
    ask = Process.ask

    def slow(self, message, *args, **how):
        if message == b"uci\n":
            select.select([self._out], [], [], 10.0)  # the greeting is there
        return ask(self, message, *args, **how)

    monkeypatch.setattr(Process, "ask", slow)
    assert meet(engine(), 1)[0].reason == ""


def test_an_engine_plays_both_sides_of_several_games(engine):
    games = meet(engine(), 6)
    assert [played.reason for played in games] == [""] * 6
    assert any(len(RULES.names[move]) == 5 for played in games for move in played.moves)  # it promotes when it can


@pytest.mark.parametrize(
    ("go", "kind", "text"),
    [
        ('say("bestmove (none)")', "nonsense", "names no move"),
        ('say("bestmove")', "nonsense", "names no move"),
        ('say("bestmove a1a1")', "nonsense", "is no move of gardner_chess"),
        ('say("bestmove a1a5")', "illegal", "'a1a5', which is not legal"),
        ("sys.exit(4)", "crash", "code 4"),
        ('say("x" * 2_000_000)', "flood", "1,048,576 bytes"),
    ],
)
def test_what_an_engine_does_wrong_is_a_forfeit(go, kind, text, engine):
    (played,) = meet(engine(go), 1)
    seat, forfeit = read_forfeit(played.reason)  # type: ignore[misc]
    assert (seat, forfeit.kind) == (0, kind) and text in forfeit.text


@pytest.mark.parametrize("variants", ["var chess", "var gardnerish", ""])
def test_an_engine_that_has_not_this_chess_forfeits(engine, variants):
    (played,) = meet(engine(variants=variants), 1)
    assert played.reason.startswith("forfeit 0 start:") and "does not offer gardner" in played.reason
    assert written(*read_forfeit(played.reason)) == played.reason  # type: ignore[misc]


class Deaf:
    """Notes what it is told and thinks aloud before it answers."""

    def __init__(self, answer: str) -> None:
        self.told, self.answer = "", answer

    def ask(self, message, seconds, ended, most):
        self.told = message.decode()
        text = f"info depth 1\r\nbestmove {self.answer}\r\n"
        assert ended(text.encode()) == len(text) and not ended(text[:-1].encode())
        return text.rstrip("\r\n")


def test_what_an_engine_is_told():
    lines = ["b2b3", "a2b3", "a2b3", "b1a3", "b3c4", "e2e3"]  # each as its mover sees it
    told = ["b2b3", "a4b3", "a2b3", "b5a3", "b3c4", "e4e3"]
    moves = [RULES.action(name) for name in lines]
    assert spelt(RULES, moves) == told
    process, speaker = Deaf("c4d5q ponder a1a2"), Uci()
    view = kernels.view(RULES, kernels.replay(RULES, 0, moves)[-1:])._replace(moves=[moves])
    assert speaker.move(process, view, 0, 3, 2.0) == "c4d5"  # type: ignore[arg-type]
    assert process.told.splitlines() == [
        "ucinewgame", " ".join(["position startpos moves", *told]), "go movetime 1780",
    ]  # fmt: skip
    process.answer = "c4d5n"
    assert speaker.move(process, view, 0, 3, 0.001) == "c4d5n"  # type: ignore[arg-type]
    assert process.told.splitlines()[0].startswith("position") and process.told.endswith("movetime 1\n")
    moves = [*moves, RULES.action("c4d5")]
    assert spelt(RULES, moves)[-1] == "c4d5q"
    view = kernels.view(RULES, kernels.replay(RULES, 0, moves)[-1:])._replace(moves=[moves])
    process.answer = "e5d5"
    assert speaker.move(process, view, 0, 4, 2.0) == "e5d5"  # type: ignore[arg-type]


def test_squares_turn_round():
    own, told = RULES.told(0), RULES.told(1)
    assert own == RULES.names and len(set(told)) == len(own)
    assert [told[own.index(word)] for word in ("a1e5", "b2c4", "a4b5n")] == ["a5e1", "b4c2", "a2b1n"]
    assert ended_by("uciok")(b"uciokay\n") == 0 and ended_by("uciok")(b"id\nuciok\nmore") == 9


def test_moves_are_those_of_another_program():
    pyffish = pytest.importorskip("pyffish")
    start = pyffish.start_fen("gardner")
    rows, moves, rng = kernels.new_rows(RULES, kernels.seeds(1, 1)), [], np.random.default_rng(0)
    while not rows["done"][0]:
        legal = np.flatnonzero(kernels.legal_mask(RULES, rows)[0]).tolist()
        ours = {spelt(RULES, [*moves, move])[-1] for move in legal}
        assert ours == set(pyffish.legal_moves("gardner", start, spelt(RULES, moves)))
        moves.append(int(rng.choice(legal)))
        kernels.play_rows(RULES, rows, np.array(moves[-1:]))
    assert len(moves) > 10


def test_other_games_are_refused(engine):
    player = Program(engine(), Settings(box="no", protocol="uci"))
    with pytest.raises(Unable, match="UCI is for gardner_chess, not for hex"):
        player.begin(game("hex"), kernels.seeds(1, 1))
