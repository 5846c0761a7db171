"""Agents that are asked over HTTP on this machine: `http://127.0.0.1:PORT` takes turns as JSON (see README.md)."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.agent import Memory, Unable
from agents.external.outside import Outside, Times
from agents.external.process import LONGEST, Fault, quoted
from envs.game import Game

ADDRESS = re.compile(r"//(127\.0\.0\.1|localhost|\[::1\]):([0-9]{1,5})(/[A-Za-z0-9._~/?&=%-]*)?")
HEAD = 8192
"""Bytes of an answer's headers; more is a flood."""

LISTS = ("moves", "legal", "controls")
WORDS = ("game", "weather")


@dataclass(frozen=True)
class Manners(Times):
    """How an agent is asked over HTTP."""

    KIND: ClassVar[str] = "http"
    EXAMPLE: ClassVar[str] = "//127.0.0.1:8000"


def served(address: str, settings: str = "") -> Served:
    """The agent at an address (//127.0.0.1:8000/path); settings as key=value,key=value."""
    return Served(address, Manners.read(settings))


class Served(Outside):
    """An agent that somebody else has started and that listens on this machine: each question is a POST of its own."""

    def __init__(self, address: str, settings: Manners | None = None) -> None:
        settings = settings or Manners()
        found = ADDRESS.fullmatch(address)
        if found is None or not 0 < int(found[2]) < 65536:
            raise Unable(
                f"'http:{address[:200]}' is no address on this machine, and others are not asked; "
                "write for example http://127.0.0.1:8000."
            )
        super().__init__(settings, settings.called(f"http:{address}"))
        host = {"localhost": "127.0.0.1", "[::1]": "::1"}.get(found[1], found[1])
        self._place, self._path, self._met = (host, int(found[2])), found[3] or "/", False

    def begin(self, game: Game, seeds: NDArray[np.uint64]) -> Memory:
        """Raises Unable if nobody listens; who has once been there and is gone later forfeits."""
        if not self._met:
            try:
                socket.create_connection(self._place, self.times.start).close()
            except OSError as error:
                why = error.strerror or "it does not answer"
                raise Unable(f"Nobody listens at port {self._place[1]} of this machine ({why}); start it.") from None
            self._met = True
        return super().begin(game, seeds)

    def open(self, game: Game) -> Connection:
        return Connection(self._place, self._path)


class Connection:
    """What is asked at one address; after a fault that is fatal it is greeted anew."""

    def __init__(self, place: tuple[str, int], path: str) -> None:
        self._place, self._path, self.alive = place, path, True

    def kill(self) -> None:
        self.alive = False

    def ask(self, message: bytes, seconds: float) -> str:
        """Posts what the protocol's lines say and returns the answer as such a line; raises Fault."""
        body = json.dumps(as_object(message)).encode() + b"\n"
        host, port = self._place
        head = (
            f"POST {self._path} HTTP/1.0\r\nHost: {f'[{host}]' if ':' in host else host}:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            return as_line(self._exchange(head.encode() + body, seconds))
        except TimeoutError:
            self.kill()
            raise Fault("late", f"it had not answered within {seconds:g} s.") from None
        except OSError as error:
            self.kill()
            raise Fault("crash", f"the connection failed: {error.strerror or error}.") from None
        except Fault as fault:
            self.alive = self.alive and not fault.fatal
            raise

    def _exchange(self, request: bytes, seconds: float) -> bytes:
        """The body of what answers a request, all of it in time: a server that drips is late."""
        deadline = time.monotonic() + seconds
        with socket.create_connection(self._place, seconds) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            answer = b""
            while not whole(answer):
                connection.settimeout(_left(deadline))
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return body_of(answer)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


# --- what is written on the line ------------------------------------------------------------------------------------


def as_object(message: bytes) -> dict[str, Any]:
    """The protocol's lines as one object of JSON."""
    found: dict[str, Any] = {}
    for line in message.decode().splitlines():
        word, _, rest = line.partition(" ")
        if word == "turn":
            found["turn"], found["seat"] = map(int, rest.split())
        elif word == "board":
            found.setdefault("board", []).append(rest)
        elif word == "controls":
            numbers = [float(number) for number in rest.split()]
            found[word] = list(zip(numbers[::2], numbers[1::2], strict=True))
        elif word in LISTS:
            found[word] = rest.split()
        else:
            found[word] = True if not rest else rest if word in WORDS else json.loads(rest)
    return found


def as_line(body: bytes) -> str:
    """What an object of JSON answers: `ready`, or a move; raises Fault if it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Fault("nonsense", f"it answered {quoted(body)}, and not with an object of JSON.", fatal=False)
    if said.get("ready") is True:
        return "ready"
    move = said.get("move")
    numbers = move if isinstance(move, list) else [move]
    if all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers):
        return " ".join(map(str, numbers))
    if not isinstance(move, str):
        raise Fault("nonsense", f'it answered {quoted(body)}, and not with {{"move": ...}}.', fatal=False)
    return move.encode(errors="replace").decode()  # JSON can spell halves of characters, which no text may hold


def whole(answer: bytes) -> bool:
    """Whether an answer has ended, as far as its headers tell; raises Fault if it is longer than one may be."""
    head, length = _head(answer)
    if head < 0 and len(answer) > HEAD:
        raise Fault("flood", f"it wrote more than {HEAD:,} bytes of headers.")
    if head >= 0 and max(len(answer) - head, length) > LONGEST:
        raise Fault("flood", f"it wrote more than {LONGEST:,} bytes in a turn.")
    return head >= 0 and 0 <= length <= len(answer) - head


def _head(answer: bytes) -> tuple[int, int]:
    """Where the headers end (-1: not yet), and the length of the body that they tell (-1: they do not)."""
    found = re.search(rb"\r?\n\r?\n", answer)
    if found is None:
        return -1, -1
    length = re.search(rb"(?i)^content-length:[ \t]*([0-9]{1,18})[ \t]*\r?$", answer[: found.start()], re.MULTILINE)
    return found.end(), int(length[1]) if length else -1


def body_of(answer: bytes) -> bytes:
    """The body of a whole answer; raises Fault unless it is a plain success."""
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})\b", answer)
    head, length = _head(answer)
    if status is None or head < 0:
        said = quoted(answer) if answer else "nothing"
        raise Fault("crash" if not answer else "nonsense", f"it answered {said}, which is no answer by HTTP.")
    code = int(status[1])
    if 300 <= code < 400:
        raise Fault("nonsense", f"it answered with a redirect ({code}), and none is followed.", fatal=False)
    if code != 200:
        kind = "crash" if code >= 500 else "nonsense"
        raise Fault(kind, f"it answered with status {code} and not with 200.", fatal=False)
    if re.search(rb"(?im)^transfer-encoding:", answer[:head]):
        raise Fault("nonsense", "it answered in pieces (Transfer-Encoding), which was not asked for.", fatal=False)
    if length > len(answer) - head:
        raise Fault("crash", "the connection ended in the middle of its answer.")
    return answer[head : head + length] if length >= 0 else answer[head:]
