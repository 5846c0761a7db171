"""Games as files: everything that is kept comes back as it was, and a file from anywhere is one sentence or a game."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from arena.records import FORMATS, BadRecord, add, jsonl, pgn, read, read_text, sgf, texts
from arena.store import Store, StoredGame
from envs import kernels
from envs.registry import GAMES
from envs.registry import game as game_of

NAMES = ('Ann "the ]fox\\', "<b>Bob</b>; {x} (y) [Game]", "ünï\u202ecode\n$1 1-0 *", "d")


def random_game(name: str, seed: int, *, length: int = 30) -> StoredGame:
    """A record of a game of any length, whatever the rules say of it."""
    rules, rng = game_of(name), random.Random(f"{name} {seed}")
    if rules.controls:
        moves = [tuple(float(np.float32(rng.uniform(*bounds))) for bounds in rules.controls) for _ in range(length)]
    else:
        moves = [rng.randrange(rules.actions) for _ in range(min(length, rules.max_plies))]
    return StoredGame(
        f"{name}-{seed}", name, rules.version, rng.getrandbits(64), NAMES[: rules.seats],
        tuple(rng.uniform(-3, 3) for _ in range(rules.seats)), moves, rng.randrange(3) if len(moves) > 2 else 0,
        "match", f"r]un\\{seed}", rng.choice(["", 'forfeit 0 crash: it said ")];\\".']), rng.uniform(0, 2e9),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("form", [jsonl, pgn])
def test_every_game_of_the_table_comes_back_as_it_was(form):
    games = [random_game(name, seed) for name in GAMES for seed in range(3)]
    games += [replace(random_game("tic_tac_toe", 9), moves=[], opening=0)]
    assert list(form.read("".join(map(form.written, games)))) == games


def played(name: str, count: int = 2) -> list[StoredGame]:
    """Random games, to their ends; made with nothing but the rules, so that little need be compiled."""
    rules, games = game_of(name), []
    for i in range(count):
        rng, row, moves = random.Random(i), kernels.new_rows(rules, kernels.seeds(5, 1, i)), []
        seed, total = int(kernels.seeds(5, 1, i)[0]), np.zeros(rules.seats)
        while not row["done"][0]:
            legal = np.flatnonzero(kernels.legal_mask(rules, row)[0]).tolist()
            move = tuple(float(np.float32(rng.uniform(*two))) for two in rules.controls) or rng.choice(legal)
            kernels.play_rows(rules, row, np.array([move], np.float32 if rules.controls else np.int64))
            moves.append(move)
            total += row["reward"][0]
        results = tuple(total.tolist())
        games.append(StoredGame(f"{name}-{i}", name, rules.version, seed, NAMES[: rules.seats], results, moves))
    return games


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("jsonl", ("tic_tac_toe", "kuhn", "pendulum:limit=5")),
        ("pgn", ("tic_tac_toe", "kuhn", "pendulum:limit=5")),
        ("sgf", ("othello", "hex", "go", "gomoku")),
    ],
)
def test_what_is_read_again_is_the_same_game_to_the_last_bit_of_its_rows(form, names, tmp_path):
    games = [one for name in names for one in played(name)]
    again = read_text("".join(texts(games, form)))
    assert again == games
    for one, other in zip(games, again, strict=True):
        rows = [kernels.replay(game_of(g.game), g.seed, g.moves) for g in (one, other)]
        assert rows[0].tobytes() == rows[1].tobytes()
    with Store(tmp_path / "a.db") as store:
        assert add(store, again) == len(games) and add(store, again) == 0
        assert [replace(one, number=0, finished=0.0) for one in store.games()] == games
        with pytest.raises(BadRecord, match="another game of the id"):
            add(store, [replace(games[0], moves=games[0].moves[:1], reason="resigned")])


# --- SGF --------------------------------------------------------------------------------------------------------------


def test_sgf_by_hand():
    rules = game_of("go")
    moves = [rules.action(name) for name in ("c7", "a9", "pass", "pass")]
    stored = StoredGame("one", rules.name, rules.version, 0, ("Ann", "Bo[b]"), (-1.0, 1.0), moves)
    text = sgf.written(stored)
    assert text.startswith(
        "(;FF[4]GM[1]CA[UTF-8]AP[arena:1]SZ[9]KM[7.5]RU[Tromp-Taylor]PB[Ann]PW[Bo[b\\]]RE[W+]DT[1970"
    )
    assert text.endswith(";B[cc];W[aa];B[];W[])\n\n")
    othello = game_of("othello")
    moves = [othello.action("d3"), othello.action("c3")]
    text = sgf.written(StoredGame("two", "othello", 1, 0, ("a", "b"), (0.0, 0.0), moves, reason="resigned"))
    assert "GM[2]" in text and text.endswith(";B[dc];W[cc])\n\n")


@pytest.mark.parametrize(
    ("reason", "told"),
    [("", "B+"), ("resigned", "B+R"), ("forfeit 1 resigned: it resigned.", "B+R"), ("forfeit 1 late: it was", "B+T"),
     ("forfeit 1 crash: it said forfeit 0 late: no", "B+F")],
)  # fmt: skip
def test_sgf_says_how_a_game_was_won(reason: str, told: str):
    stored = StoredGame("one", "othello", 1, 0, ("a", "b"), (1.0, -1.0), [19], reason=reason)
    assert f"RE[{told}]" in sgf.written(stored)


def test_sgf_from_elsewhere():
    text = """(;FF[4]GM[1]SZ[9]KM[7.5]PB[Lee \\]x\\
y]PW[Alpha]RE[W+R]C[a ) ( ; comment]
      ;B[cc]BL[99.5];W[bb](;B[dd];W[tt])(;B[aa];W[bc]))  (;GM[11]RE[B+R];B[a1];W[k11])"""
    go, hexes = read_text(text)
    assert (go.game, go.seats, go.results, go.reason) == (
        "go", ("Lee ]xy", "Alpha"), (-1.0, 1.0), "resigned",
    )  # fmt: skip
    rules = game_of(go.game)
    assert [rules.names[move] for move in go.moves] == ["c7", "b8", "d6", "pass"]
    assert go.purpose == "import" and go.id.startswith("import-") and go.id != hexes.id
    assert (hexes.game, hexes.results, hexes.reason) == ("hex", (1.0, -1.0), "resigned")


def test_a_pass_of_othello_that_is_left_out_is_put_in():
    rules = game_of("othello")
    passes = rules.action("pass")
    done = next(one for one in played("othello", 40) if passes in one.moves)
    stored = replace(done, seats=("Black", "White"))
    text = sgf.written(stored).replace(";B[]", "").replace(";W[]", "")
    text = text[: text.index("AX[")] + text[text.index(";B[") :]
    assert list(read_text(text)[0].moves) == list(done.moves)


# --- PGN --------------------------------------------------------------------------------------------------------------


def test_pgn_from_elsewhere():
    text = """[Event "?"]
[White "A\\"nn"]
[Black "Bob"]
[Result "1-0"]
[Game "tic_tac_toe"]

1.a3 {why (not)} b2! 2. b3 $1 (2. c1 a1 (2... c2)) c2
; the rest of this line is nothing b9
3. c3 1-0
[Game "connect_four"] [Result "0-1"] [Termination "resigned"]
1. a 2... b *
"""
    first, second = read_text(text)
    assert [game_of("tic_tac_toe").names[move] for move in first.moves] == ["a3", "b2", "b3", "c2", "c3"]
    assert (first.seats, first.results, first.seed) == (('A"nn', "Bob"), (1.0, -1.0), 0)
    assert (second.moves, second.results, second.reason) == ([0, 1], (-1.0, 1.0), "resigned")


@pytest.mark.parametrize("form", [jsonl, pgn])
def test_moves_are_written_as_all_see_the_board(form):
    """Black's third pawn steps down from c4, by the names of the mover's own side it would be c2c3 as White's is."""
    rules = game_of("gardner_chess")
    pawn = rules.names.index("c2c3")
    stored = replace(random_game("gardner_chess", 0), moves=[rules.names.index("a2a3"), pawn, pawn], opening=0)
    text = form.written(stored)
    words = ("a2a3", "c4c3", "c2c3")
    assert (json.dumps(words)[1:-1] if form is jsonl else "1. a2a3 c4c3 2. c2c3") in text
    assert list(form.read(text)) == [stored]


# --- whatever may be wrong --------------------------------------------------------------------------------------------

LINE = {"game": "tic_tac_toe", "seats": ["a", "b"], "moves": ["a3", "b2", "b3", "c2", "c3"]}
HOSTILE = {
    "empty": "",
    "words": "hello",
    "binary": "\x00\x01\x02",
    "no JSON": "{",
    "deep": "{" + '"a":[' * 100_000,
    "no game": "{}",
    "a list of moves": json.dumps({**LINE, "moves": "a3"}),
    "unknown game": json.dumps({**LINE, "game": "tic_tac_to"}),
    "other projects' games": json.dumps({**LINE, "game": "gym:os:system"}),
    "other rules": json.dumps({**LINE, "rules": 99}),
    "no move": json.dumps({**LINE, "moves": ["z9"]}),
    "a move that is a list": json.dumps({**LINE, "moves": [["a3"]]}),
    "illegal": json.dumps({**LINE, "moves": ["a3", "a3"]}),
    "after the end": json.dumps({**LINE, "moves": [*LINE["moves"], "a1"]}),
    "not over": json.dumps({**LINE, "moves": ["a3"]}),
    "a lie": json.dumps({**LINE, "results": [-1, 1]}),
    "NaN": json.dumps({**LINE, "results": [float("nan"), 1]}),
    "huge": '{"game":"tic_tac_toe","moves":[],"finished":1e999}',
    "three players": json.dumps({**LINE, "seats": ["a", "b", "c"]}),
    "no name": json.dumps({**LINE, "seats": ["a", ""]}),
    "half a character": json.dumps({**LINE, "seats": ["a", "\ud800"]}),
    "nobody": json.dumps({**LINE, "seats": [None, 3]}),
    "a seed": json.dumps({**LINE, "seed": -1}),
    "an opening": json.dumps({**LINE, "opening": 6}),
    "too many moves": json.dumps({**LINE, "moves": ["a3"] * 50}),
    "PGN without a game": '[Event "x"]\n1. a b 1-0',
    "PGN of nothing": '[Event "x"]',
    "PGN with rubbish": '[Game "hex"]\n1. {never closed',
    "PGN seed": '[Game "hex"][Seed "x"]\n1. a1 *',
    "SGF cut off": "(;GM[1]SZ[9];B[aa]",
    "SGF open value": "(;GM[1]SZ[9];B[aa",
    "SGF too many": "(;GM[11]RE[B+R];B[a1]))",
    "SGF chess": "(;GM[3];B[aa])",
    "SGF size": "(;GM[1]SZ[99999999999];B[aa])",
    "SGF handicap": "(;GM[1]SZ[9]HA[2]AB[cc][gg];W[aa])",
    "SGF outside": "(;GM[1]SZ[9]RE[B+R];B[zz])",
    "SGF twice": "(;GM[1]SZ[9]RE[B+R];B[aa];W[aa])",
    "SGF turn": "(;GM[1]SZ[9]RE[B+R];B[aa];B[bb])",
    "SGF without end": "(;GM[1]SZ[9];B[aa])",
    "SGF komi": "(;GM[1]SZ[9]KM[x];B[aa])",
    "SGF AX": "(;GM[1]SZ[9]AX[1];B[aa])",
    "SGF deep": "(;" * 100_000,
}


@pytest.mark.parametrize("what", sorted(HOSTILE))
def test_a_hostile_file_is_one_sentence(what, arena, tmp_path):
    (tmp_path / "in.txt").write_bytes(HOSTILE[what].encode("utf-8", errors="surrogatepass"))
    code, out, err = arena("import", "in.txt")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and err.startswith("in.txt: ") and len(err) < 400
    assert not (tmp_path / "arena.db").exists()


def test_a_file_cut_anywhere_is_a_sentence_or_whole_games():
    games = played("tic_tac_toe") + played("othello", 1)
    for form in FORMATS:
        text = "".join(texts(games[3:] if form == "sgf" else games, form))
        for end in range(0, len(text), 37):
            try:
                found = read_text(text[:end])
            except BadRecord as error:
                assert str(error)
            else:
                assert all(one.id in {g.id for g in games} or one.id.startswith("import-") for one in found)


# --- the commands -----------------------------------------------------------------------------------------------------


def test_from_one_database_to_another_and_into_the_viewer(arena, tmp_path):
    assert arena("tournament", "tic_tac_toe", "random", "first", "--pairs", "2")[0] == 0
    for form in ("jsonl", "pgn"):
        code, out, err = arena("export", "--out", f"games.{form}")
        assert (code, out, err) == (0, "", f"4 games written to games.{form}.\n")
        assert arena("export", "--format", form)[1] == (tmp_path / f"games.{form}").read_text()
        assert json.loads(arena("import", f"games.{form}", "--db", f"{form}.db", "--json")[1])["new"] == 4
        said = arena("import", f"games.{form}", "--db", f"{form}.db")[1]
        first = read(tmp_path / f"games.{form}")[0].id
        assert "0 games stored in" in said and f"`arena watch --game-id {first} --db {form}.db`" in said
        with Store.read("arena.db") as one, Store.read(f"{form}.db") as other:
            assert list(one.games()) == list(other.games())
            assert one.results("tic_tac_toe") == other.results("tic_tac_toe")
        assert arena("verify", f"{form}.db")[0] == 0
        code, out, err = arena("watch", f"games.{form}", "--describe", "--ply", "0")
        assert code == 0 and "player 1: " in out and "has 4 games" in err
    assert sorted(p.name for p in tmp_path.glob(".*")) == []
    (stored, *_) = read(tmp_path / "games.pgn")
    assert json.loads(arena("export", stored.id[:12])[1])["id"] == stored.id


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("export", "There is no database"),
        ("import no.pgn", "no.pgn"),
        ("export --format xml", "There is no format 'xml'"),
        ("watch no.sgf --describe", "no.sgf"),
    ],
)
def test_what_the_user_got_wrong(line, text, arena):
    code, out, err = arena(*line.split())
    assert (code, out) == (2, "") and text in err and len(err.splitlines()) == 1


def test_where_games_cannot_be_written_that_place_is_named(arena):
    assert arena("tournament", "tic_tac_toe", "random", "first", "--pairs", "1")[0] == 0
    for out, words in (("arena.db/x", "Not a directory"), (".", "This is no plain file; name one")):
        assert arena("export", "--out", out)[0::2] == (2, f"{out}: {words}.\n")


def test_a_file_that_is_not_there_is_said_to_be_missing(arena):
    code, _, err = arena("import", "gams.sgf")
    assert code == 2 and "There is no file gams.sgf" in err


def test_sgf_is_refused_where_there_is_none(arena):
    assert arena("tournament", "tic_tac_toe", "random", "first", "--pairs", "1")[0] == 0
    assert "SGF is for go, gomoku, hex, othello, not for tic_tac_toe" in arena("export", "--format", "sgf")[2]
    assert "no such games" in arena("export", "--game", "go")[2]
