"""Agents over HTTP on this machine: they play by the same protocol, and what they do wrong loses one game."""

import json
import re
import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from agents.agent import Unable
from agents.external import served as module
from agents.external.outside import hello, turn
from agents.external.process import Fault
from agents.external.served import Connection, Manners, Served, as_line, as_object, whole
from agents.play import play_games, read_forfeit
from agents.registry import agent, is_program
from arena.tryout import try_out
from envs import kernels
from envs.registry import Unknown, game

RULES = game("tic_tac_toe")
README = Path(module.__file__).with_name("README.md")


@contextmanager
def listening(respond):
    """The port of a server that answers every connection with `respond(connection)`; its own thread for each."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            respond(connection)

    def accept() -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def asked(connection: socket.socket) -> dict:
    """What was posted."""
    text = b""
    while not text.endswith(b"\n") or b"\r\n\r\n" not in text or text.endswith(b"\r\n\r\n"):
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("Whoever asked has gone.")
        text += part
    return json.loads(text.partition(b"\r\n\r\n")[2])


def fine(body: str) -> bytes:
    return f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def player(answer):
    """Answers hello as it should, and a turn by `answer(connection, what was asked)`."""

    def respond(connection: socket.socket) -> None:
        said = asked(connection)
        if "hello" in said:
            connection.sendall(fine('{"ready": true}'))
        else:
            answer(connection, said)

    return respond


def first(connection: socket.socket, said: dict) -> None:
    connection.sendall(fine(json.dumps({"move": said["legal"][0]})))


def meet(port: int, count: int = 2, **settings):
    seating = np.array([[i % 2, 1 - i % 2] for i in range(count)])
    who = Served(f"//127.0.0.1:{port}", Manners(**settings))
    return play_games(RULES, [who, agent("random")], seating, kernels.seeds(1, count))


def kinds(games) -> list[str]:
    found = [read_forfeit(played.reason) for played in games]
    return ["" if lost is None else lost[1].kind for lost in found]


def test_what_is_posted_says_what_a_program_is_told():
    rows = kernels.replay(RULES, 1, [4, 0])[-1:]
    view = kernels.view(RULES, rows)._replace(moves=[[4, 0]])
    assert as_object(hello(RULES, 2.0)) == {
        "arena": 1, "game": "tic_tac_toe", "rules": 1, "seats": 2, "seconds": 2, "hello": True,
    }  # fmt: skip
    names = RULES.names
    assert as_object(turn(view, 0, 7, 1.5, "o . .\n. x .")) == {
        "turn": 7, "seat": 0, "seconds": 1.5, "moves": [names[4], names[0]],
        "legal": [names[a] for a in (1, 2, 3, 5, 6, 7, 8)], "board": ["o . .", ". x ."], "go": True,
    }  # fmt: skip
    swing = game("pendulum")
    view = kernels.view(swing, kernels.new_rows(swing, kernels.seeds(1, 1)))
    assert as_object(turn(view, 0, 1, 2.0, "x"))["controls"] == [(-2.0, 2.0)]


def test_an_agent_over_http_plays_several_games_side_by_side():
    with listening(player(first)) as port:
        games = meet(port, 4)
        assert kinds(games) == [""] * 4 and agent(f"http,name=ann://127.0.0.1:{port}").name == "ann"
        report = try_out(f"http://127.0.0.1:{port}", "tic_tac_toe")
    assert report.whole and report.checked["games"] == 6 and report.checked["unknown lines"] == 1
    for played in games:
        seat = played.players.index(0)
        assert played.moves[seat] == min(set(range(9)) - set(played.moves[:seat]))


def test_the_example_of_the_page_plays(monkeypatch):
    code = re.search(r"```python\n(from http.*?)```", README.read_text(), re.DOTALL)
    assert code is not None and len(code[1].splitlines()) <= 20
    made: list[HTTPServer] = []
    monkeypatch.setattr(HTTPServer, "serve_forever", lambda server: made.append(server))
    names: dict = {}
    exec(code[1].replace("8000", "0"), names)
    (server,) = made
    monkeypatch.undo()
    monkeypatch.setattr(BaseHTTPRequestHandler, "log_message", lambda *words: None)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    assert kinds(meet(server.server_address[1], 4)) == [""] * 4
    server.shutdown()
    server.server_close()


def drip(connection: socket.socket, said: dict) -> None:
    for letter in fine('{"move": "a1"}'):
        connection.sendall(bytes([letter]))
        threading.Event().wait(0.05)


def endless(connection: socket.socket, said: dict) -> None:
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"y" * 65536)


def headers(connection: socket.socket, said: dict) -> None:
    connection.sendall(b"HTTP/1.0 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"y" * 1024 + b"\r\n")


def moved(connection: socket.socket, said: dict) -> None:
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/secret\r\nContent-Length: 0\r\n\r\n")


def says(text: bytes):
    return lambda connection, said: connection.sendall(text)


WRONGS = {
    "silence": (lambda connection, said: threading.Event().wait(0.6), "late"),
    "drip": (drip, "late"),
    "flood": (endless, "flood"),
    "flood of headers": (headers, "flood"),
    "a promise of much": (says(b"HTTP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"), "flood"),
    "redirect": (moved, "nonsense"),
    "an error of its own": (says(b"HTTP/1.0 500 Oh\r\n\r\n"), "crash"),
    "not there": (says(b"HTTP/1.0 404 No\r\n\r\n"), "nonsense"),
    "hanging up": (lambda connection, said: None, "crash"),
    "cut off": (says(b'HTTP/1.0 200 OK\r\nContent-Length: 90\r\n\r\n{"mo'), "crash"),
    "pieces": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\n"), "nonsense"),
    "another protocol": (says(b"SSH-2.0-OpenSSH\r\n\r\n"), "nonsense"),
    "no JSON": (says(fine("b2").strip()), "nonsense"),
    "deep JSON": (says(fine("[" * 4000)), "nonsense"),
    "a list": (says(fine('["b2"]')), "nonsense"),
    "NaN": (says(fine('{"move": NaN}')), "nonsense"),
    "truth": (says(fine('{"move": true}')), "nonsense"),
    "illegal": (says(fine('{"move": "b2"}')), "illegal"),
    "half a character": (says(fine('{"move": "\\ud800"}')), "nonsense"),
    "lines": (says(fine('{"move": "b2\\nb3"}')), "nonsense"),
}


@pytest.mark.parametrize("wrong", sorted(WRONGS))
def test_a_wrong_is_a_forfeit_of_its_kind(wrong):
    respond, kind = WRONGS[wrong]
    seen: list[dict] = []

    def answer(connection: socket.socket, said: dict) -> None:
        seen.append(said)
        if kind == "illegal" and "b2" in said["legal"]:
            first(connection, {"legal": ["b2"]})
        else:
            respond(connection, said)

    with listening(player(answer)) as port:
        (played,) = meet(port, 1, move=0.3 if kind == "late" else 20.0)
    assert kinds([played]) == [kind], played.reason
    assert len(seen) == (2 if kind == "illegal" else 1)


def test_a_wrong_in_one_game_leaves_the_others_alone():
    def answer(connection: socket.socket, said: dict) -> None:
        moved(connection, said) if said["seat"] else first(connection, said)

    with listening(player(answer)) as port:
        assert kinds(meet(port, 6)) == ["", "nonsense"] * 3


def test_who_has_gone_forfeits_and_who_never_came_is_no_result():
    with listening(player(first)) as port:
        who = Served(f"//localhost:{port}")
        who.begin(RULES, kernels.seeds(1, 1))
    games = play_games(RULES, [who, who], np.tile([0, 1], (6, 1)), kernels.seeds(1, 6))
    assert kinds(games) == ["start"] * 6 and "refused" in games[0].reason
    with pytest.raises(Unable, match=f"Nobody listens at port {port}"):
        Served(f"//127.0.0.1:{port}").begin(RULES, kernels.seeds(1, 1))


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org:80", "http://10.0.0.1:8000", "http://127.0.0.1@example.org:80", "http://127.0.0.1",
        "http://127.0.0.1:0", "http://127.0.0.1:70000", "http://127.0.0.1:80/a b", "http://127.0.0.1:80/\r\nX: 1",
        "http://127.0.0.1.example.org:80", "http://[::]:80", "http://0.0.0.0:80", "http:127.0.0.1:80",
        "http://127.0.0.1:80#@x", "http://127.0.0.1:٨٠",
    ],
)  # fmt: skip
def test_other_machines_are_not_asked(address):
    with pytest.raises(Unable, match="no address on this machine"):
        agent(address)


def test_settings_are_those_of_who_is_only_asked():
    assert is_program("http://127.0.0.1:8000") and not is_program("httpx://127.0.0.1:8000")
    for spec, error, said in (
        ("http,box=no://127.0.0.1:80", Unknown, "box"),
        ("http,move=0://127.0.0.1:80", Unable, "as in http,move=5://127.0.0.1:8000"),
    ):
        with pytest.raises(error, match=said):
            agent(spec)


def test_what_answers_mean():
    assert as_line(b'{"ready": true}') == "ready" and as_line(b'{"move": "d4"}') == "d4"
    assert as_line(b'{"move": [0.5, -1]}') == "0.5 -1" and as_line(b'{"move": 1e-3}') == "0.001"
    assert whole(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab") and not whole(b"HTTP/1.0 200 OK\r\n\r\nab")
    assert not whole(b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nab") and not whole(b"HTTP/1.0 200")
    line = Connection(("127.0.0.1", 1), "/")
    with pytest.raises(Fault):
        line.ask(b"hello\n", 1.0)
    assert not line.alive
