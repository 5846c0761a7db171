"""Go: taking, suicide, ko and superko by hand; everything against a plain account of the rules; and peers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs import kernels
from envs.boards.go import go, on_any_board
from envs.boards.go.chains import in_atari, weights
from envs.game import Game, Rows
from envs.registry import game

SMALL = game("go:size=5,ko=simple,komi=5")
SELF_TAKING = on_any_board("go on 3 x 4", 3, 4, suicide=True, history=2, limit=150)
SUPERKO = on_any_board("go on 2 x 3", 2, 3, limit=60)


def played(rules: Game, moves: str) -> Rows:
    """[1] the position after moves by name; "." passes."""
    actions = [rules.action("pass" if move == "." else move) for move in moves.split()]
    return kernels.replay(rules, 0, actions)[-1:]


def setup(rules: Game, diagram: str) -> Rows:
    """[1] a position of chains that all have liberties, black to move; played stone by stone, with passes between."""
    marks = diagram.split()
    black = [rules.names[i] for i, mark in enumerate(marks) if mark == "X"]
    white = [rules.names[i] for i, mark in enumerate(marks) if mark == "O"]
    moves = [name for pair in zip(black, white, strict=False) for name in pair]
    moves += [name for stone in black[len(white) :] for name in (stone, ".")]
    moves += [name for stone in white[len(black) :] for name in (".", stone)]
    row = played(rules, " ".join(moves))
    row["passes"] = 0
    assert shown(rules, row) == marks
    return row


def shown(rules: Game, row: Rows) -> list[str]:
    """The marks of the board, point by point."""
    return [".XO"[colour] for colour in row["colour"][0][: rules.actions - 1]]


def play(rules: Game, row: Rows, moves: str) -> None:
    for move in moves.split():
        action = rules.action("pass" if move == "." else move)
        assert kernels.legal_mask(rules, row)[0, action], move
        kernels.play_rows(rules, row, np.array([action]))


def allowed(rules: Game, row: Rows, move: str) -> bool:
    return bool(kernels.legal_mask(rules, row)[0, rules.action(move)])


# --- by hand --------------------------------------------------------------------------------------------------------


def test_the_options_are_checked_and_named() -> None:
    assert game("go").name == "go"
    assert go(size=13, komi=6.5, ko="simple", suicide=True, history=4, limit=300).name == (
        "go:size=13,komi=6.5,ko=simple,suicide=true,history=4,limit=300"
    )
    assert (game("go").names[0], game("go").names[8], game("go").names[-1]) == ("a9", "j9", "pass")
    assert game("go").max_plies == 162
    wrong: list[dict[str, Any]] = [
        {"size": 4}, {"size": 20}, {"size": 9.0}, {"komi": 0.3}, {"komi": 100}, {"komi": True}, {"ko": "none"},
        {"suicide": 1}, {"history": 0}, {"history": 9}, {"limit": 5000}, {"limit": -1},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(ValueError, match=f"The option {next(iter(options))} of go is .*; write for example go:"):
            go(**options)


def test_a_chain_without_liberties_is_taken_and_its_points_are_free() -> None:
    row = setup(SMALL, """
        . X X . .
        X O O . .
        . X X . .
        . . . . .
        . . . . .""")  # fmt: skip
    play(SMALL, row, "d4")
    assert shown(SMALL, row)[5:10] == ["X", ".", ".", "X", "."]
    assert row["taken"][0].tolist() == [2, 0]
    assert allowed(SMALL, row, "b4")  # two points are free, so white may put a stone back


def test_two_chains_are_taken_at_once_by_a_stone_without_liberties() -> None:
    row = setup(SMALL, """
        . O X . .
        O X . . .
        X . . . .
        . . . . .
        . . . . .""")  # fmt: skip
    play(SMALL, row, "a5")
    assert shown(SMALL, row)[:7] == ["X", ".", "X", ".", ".", ".", "X"]
    assert row["taken"][0].tolist() == [2, 0]


def test_suicide_is_forbidden() -> None:
    for pair in (". X O . .  O O . . .", ". O . . .  O . . . ."):
        row = setup(SMALL, pair + " ." * 15)
        assert not allowed(SMALL, row, "a5")
        play(SMALL, row, ".")
        assert allowed(SMALL, row, "a5")


def test_where_suicide_is_allowed_a_lone_stone_still_may_not() -> None:
    assert not allowed(SELF_TAKING, setup(SELF_TAKING, ". O . .  O . . .  . . . ."), "a3")
    row = setup(SELF_TAKING, ". X O .  O O . .  . . . .")
    play(SELF_TAKING, row, "a3")
    assert shown(SELF_TAKING, row)[:4] == [".", ".", "O", "."]
    assert row["taken"][0].tolist() == [0, 2]


def test_a_ko_may_not_be_taken_back_at_once() -> None:
    row = setup(SMALL, """
        . . X O .
        . X O . O
        . . X O .
        . . . . .
        . . . . .""")  # fmt: skip
    play(SMALL, row, "d4")
    assert shown(SMALL, row)[7] == "."
    assert not allowed(SMALL, row, "c4")
    assert kernels.view(SMALL, row).obs[0, 2].reshape(-1).nonzero()[0].tolist() == [7]
    play(SMALL, row, "a1 b1")
    assert not kernels.view(SMALL, row).obs[0, 2].any()
    play(SMALL, row, "c4")  # white takes back later, and now black may not
    assert shown(SMALL, row)[8] == "."
    assert not allowed(SMALL, row, "d4")


def test_a_snapback_is_no_ko() -> None:
    row = setup(SMALL, """
        . . X O .
        X X X O .
        O O O . .
        . . . . .
        . . . . .""")  # fmt: skip
    play(SMALL, row, ". b5 a5 b5")  # black takes one stone, with a chain that white then takes whole
    assert row["taken"][0].tolist() == [1, 5]
    assert shown(SMALL, row)[:8] == [".", "O", ".", "O", ".", ".", ".", "."]


def test_superko_forbids_what_simple_ko_lets_pass() -> None:
    """White's last move would bring back the board after the third ply, though nothing was taken one for one."""
    simple = on_any_board("go on 2 x 3, simple", 2, 3, ko="simple", limit=60)
    moves = "a2 b1 a1 b2 a1 c1 . c2 a2"  # white takes two, black takes four
    for rules in (SUPERKO, simple):
        row = played(rules, moves)
        assert shown(rules, row) == ["X", ".", ".", "X", ".", "."]
        assert row["taken"][0].tolist() == [4, 2]
        assert allowed(rules, row, "b1") == (rules is simple)
        assert allowed(rules, row, "b2")
        assert allowed(rules, row, "c1")


@pytest.mark.parametrize(("mark", "result"), [("X", 1.0), (".", 0.0), ("O", -1.0)])
def test_areas_are_counted_against_komi(mark: str, result: float) -> None:
    """Komi 5: black has 8 stones and 3 points that only it reaches, white 5 and 1; the rest is open to both."""
    row = setup(SMALL, f"""
        . X {mark} O .
        X X X O O
        . X X O O
        . X . . .
        X . . . .""")  # fmt: skip
    play(SMALL, row, ".")
    assert not row["done"][0]
    play(SMALL, row, ".")
    assert row["done"][0]
    assert not row["cut"][0]
    assert row["reward"][0].tolist() == [result, -result]


def test_the_limit_counts_the_board_as_it_stands() -> None:
    row = played(SMALL, "c3 d3")
    row["ply"] = SMALL.max_plies - 1
    play(SMALL, row, "a1")  # two stones against one, all points open to both: komi decides
    assert row["done"][0]
    assert not row["cut"][0]
    assert row["reward"][0].tolist() == [-1.0, 1.0]


def test_earlier_positions_are_seen_from_the_movers_side() -> None:
    row = played(SELF_TAKING, "a3 b3 c3")
    planes = [plane.reshape(-1).nonzero()[0].tolist() for plane in kernels.view(SELF_TAKING, row).obs[0]]
    assert planes[:5] == [[1], [0, 2], [1], [0], []]
    assert planes[5] == list(range(12))  # white, who has the komi, is to move
    play(SELF_TAKING, row, "b1")
    planes = [plane.reshape(-1).nonzero()[0].tolist() for plane in kernels.view(SELF_TAKING, row).obs[0]]
    assert planes == [[0, 2], [1, 9], [0, 2], [1], [], []]


def test_one_liberty_is_known_by_its_sums() -> None:
    """Pseudo-liberties of points 3 and 360: one point however often, never two."""
    weight = weights(361)
    assert in_atari(4 * weight[360])
    assert in_atari(3 * weight[3])
    assert in_atari(weight[0])
    assert not in_atari(weight[3] + weight[360])
    assert not in_atari(300 * weight[0] + weight[1])
    assert not in_atari(sum(4 * weight))


# --- a plain account of the same rules ------------------------------------------------------------------------------


class Plain:
    """Go by sets: every chain is found anew, every position is remembered whole."""

    def __init__(self, rules: Game, superko: bool, suicide: bool) -> None:
        self.lines, self.columns = rules.shape[1:]
        self.superko, self.suicide = superko, suicide
        self.board: tuple[int, ...] = (0,) * (self.lines * self.columns)
        self.past: set[tuple[int, ...]] = {self.board}
        self.ko = -1

    def beside(self, point: int) -> list[int]:
        r, c = divmod(point, self.columns)
        around = ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1))
        return [y * self.columns + x for y, x in around if 0 <= y < self.lines and 0 <= x < self.columns]

    def region(self, board: list[int] | tuple[int, ...], point: int) -> tuple[set[int], set[int]]:
        """The points of one colour joined to a point, and the points beside them."""
        found, edge, left = {point}, set(), [point]
        while left:
            for other in self.beside(left.pop()):
                if board[other] != board[point]:
                    edge.add(other)
                elif other not in found:
                    found.add(other)
                    left.append(other)
        return found, edge

    def after(self, point: int, mine: int) -> tuple[tuple[int, ...], int] | None:
        """The board after a stone and the point that simple ko then forbids; None where the stone may not be put."""
        if self.board[point] or (point == self.ko and not self.superko):
            return None
        board, gone = list(self.board), set()
        board[point] = mine
        for other in self.beside(point):
            if board[other] == 3 - mine:
                chain, edge = self.region(board, other)
                if all(board[p] for p in edge):
                    gone |= chain
        for taken in gone:
            board[taken] = 0
        chain, edge = self.region(board, point)
        if all(board[p] for p in edge):
            if not self.suicide or len(chain) == 1:
                return None
            for taken in chain:
                board[taken] = 0
        if self.superko and tuple(board) in self.past:
            return None
        free = [p for p in edge if not board[p]]
        return tuple(board), gone.pop() if len(gone) == len(chain) == len(free) == 1 else -1

    def margin(self) -> int:
        total = self.board.count(1) - self.board.count(2)
        seen: set[int] = set()
        for point, stone in enumerate(self.board):
            if not stone and point not in seen:
                found, edge = self.region(self.board, point)
                seen |= found
                colours = {self.board[p] for p in edge}
                total += len(found) * ((colours == {1}) - (colours == {2}))
        return total


@pytest.mark.parametrize(
    ("rules", "superko", "suicide", "komi", "games"),
    [(SMALL, False, False, 5, 20), (SELF_TAKING, True, True, 0, 40), (SUPERKO, True, False, 0, 60)],
    ids=["simple ko", "superko and suicide", "superko"],
)
def test_random_games_are_those_of_a_plain_account(
    rules: Game, superko: bool, suicide: bool, komi: float, games: int
) -> None:
    generator = np.random.default_rng(3)
    forbidden = results = 0
    for _ in range(games):
        plain, row = Plain(rules, superko, suicide), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not row["done"][0]:
            mine = int(row["seat"][0]) + 1
            after = [plain.after(point, mine) for point in range(rules.actions - 1)]
            legal = kernels.legal_mask(rules, row)[0]
            assert legal.tolist() == [*(board is not None for board in after), True]
            barred = kernels.view(rules, row).obs[0, -2].reshape(-1).nonzero()[0]
            plain.superko, plain.ko, ko = False, -1, plain.ko  # what only ko forbids is seen as forbidden by ko
            assert barred.tolist() == [p for p in range(len(after)) if not legal[p] and plain.after(p, mine)]
            plain.superko, plain.ko = superko, ko
            forbidden += len(barred)
            choices = np.flatnonzero(legal)
            action = int(generator.choice(choices if generator.random() < 0.2 or len(choices) == 1 else choices[:-1]))
            kernels.play_rows(rules, row, np.array([action]))
            plain.ko = -1
            if action < rules.actions - 1:
                result = after[action]
                assert result is not None
                plain.board, plain.ko = result
                plain.past.add(plain.board)
            assert row["colour"][0][:-1].tolist() == list(plain.board)
        lead = plain.margin() - komi
        assert row["reward"][0].tolist() == [np.sign(lead), -np.sign(lead)]
        results |= 1 << int(np.sign(lead)) + 1
    assert forbidden > 5
    assert results == 7 or komi  # lost, drawn and won


# --- peers ----------------------------------------------------------------------------------------------------------


def test_open_spiel_plays_the_same_game() -> None:
    pyspiel = pytest.importorskip("pyspiel")
    rules, generator = game("go:ko=simple"), np.random.default_rng(5)
    theirs = pyspiel.load_game("go(board_size=9)")
    upside_down = np.array([*np.arange(81).reshape(9, 9)[::-1].reshape(-1), 81])
    counted = 0
    for _ in range(20):
        state, row = theirs.new_initial_state(), kernels.new_rows(rules, np.zeros(1, np.uint64))
        while not state.is_terminal():
            legal = kernels.legal_mask(rules, row)[0]
            assert np.flatnonzero(legal).tolist() == sorted(upside_down[a] for a in state.legal_actions())
            action = int(generator.choice(np.flatnonzero(legal)))
            kernels.play_rows(rules, row, np.array([action]))
            state.apply_action(int(upside_down[action]))
        if row["done"][0]:  # open_spiel breaks a game off as a draw where a position comes back
            counted += 1
            assert row["reward"][0].tolist() == state.returns()
    assert counted > 5


def test_pgx_plays_the_same_game() -> None:
    pgx, jax = pytest.importorskip("pgx"), pytest.importorskip("jax")
    rules, generator = game("go:ko=simple"), np.random.default_rng(6)
    theirs = pgx.make("go_9x9")
    step = jax.jit(theirs.step)
    counted = 0
    for seed in range(4):
        state, row = theirs.init(jax.random.PRNGKey(seed)), kernels.new_rows(rules, np.zeros(1, np.uint64))
        black = int(state.current_player)
        while not state.terminated:
            legal = kernels.legal_mask(rules, row)[0]
            np.testing.assert_array_equal(legal, np.asarray(state.legal_action_mask))
            stones = np.asarray(state.observation)[..., :2].transpose(2, 0, 1)
            np.testing.assert_array_equal(kernels.view(rules, row).obs[0, :2], stones)
            action = int(generator.choice(np.flatnonzero(legal)))
            kernels.play_rows(rules, row, np.array([action]))
            state = step(state, action)
        if row["done"][0]:  # pgx calls a game lost where a position comes back
            counted += 1
            assert row["reward"][0, 0] == float(state.rewards[black])
    assert counted > 0
