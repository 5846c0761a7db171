"""A program over a pipe: lines go in, one line comes out in time, or it is a fault with a kind and a reason."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
import weakref
from collections.abc import Callable, Sequence

from agents.external.complaint import complaint
from agents.external.sandbox import MIB, Limits, usage

LONGEST = 4096
"""Bytes of an answer; more is a flood."""

LOUDEST = 1 << 20
"""Bytes of standard error during one turn; more is a flood."""

HEARD = 4000
"""Bytes of standard error that are kept, the last."""

GLANCE = 0.25
"""Seconds between looks at how much a program uses, and how long a turn lasts before the first."""


class Fault(Exception):
    """What a program did wrong: `kind` is one word, the text a sentence; `fatal` if it must be started again."""

    def __init__(self, kind: str, text: str, fatal: bool = True) -> None:
        super().__init__(text)
        self.kind, self.text, self.fatal = kind, text, fatal


Ended = Callable[[bytes], int]
"""Where an answer ends in what was read so far; 0 while it does not."""


def line_end(answer: bytes) -> int:
    """Where the first line ends."""
    return answer.find(b"\n") + 1


class Process:
    """A running program, spoken to by `ask`; after a fault that is fatal it is gone, with all that it started."""

    def __init__(self, line: Sequence[str], limits: Limits, log: str = "") -> None:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        self._popen = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env={**kept, "HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )  # fmt: skip
        popen = self._popen
        assert popen.stdin and popen.stdout and popen.stderr
        self._in, self._out, self._err = popen.stdin.fileno(), popen.stdout.fileno(), popen.stderr.fileno()
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe, False)
        self._limits, self._said, self._looked = limits, b"", time.monotonic()
        self._log = log
        self._answers = select.poll()
        self._answers.register(self._out, select.POLLIN)
        self._answers.register(self._err, select.POLLIN)
        self.kill = weakref.finalize(self, end, popen)

    def ask(
        self, message: bytes, seconds: float, ended: Ended = line_end, most: int = LONGEST, greets: bool = False
    ) -> str:
        """Sends a message and returns what answers it, a line; raises Fault, and has then ended the program.

        In other protocols an answer ends where `ended` says, after `most` bytes at most, and some programs greet: what
        was written before anything was asked then belongs to the answer.
        """
        self._note("> ", message.decode())
        try:
            answer = self._ask(message, seconds, ended, most, greets)
        except Fault as fault:
            self._note("! ", f"{fault.kind}: {fault.text}")
            if fault.fatal:
                self.kill()
            raise
        self._note("< ", answer)
        return answer

    def _note(self, mark: str, text: str) -> None:
        """Adds lines to the log, if there is one."""
        if self._log:
            with open(self._log, "a", encoding="utf-8") as file:
                file.writelines(f"{mark}{line}\n" for line in text.splitlines() or [""])

    @property
    def alive(self) -> bool:
        """Whether it has not been ended."""
        return self.kill.alive

    def ends(self, seconds: float) -> bool:
        """Whether it ends by itself when its input does; it has ended afterwards either way."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        finally:
            self.kill()
        return True

    def _ask(self, message: bytes, seconds: float, ended: Ended, most: int, greets: bool) -> str:
        begun = now = time.monotonic()
        early = self._read()
        if early and not greets:
            raise Fault("nonsense", f"it wrote {quoted(early)} when nothing had been asked.")
        if now - self._looked > GLANCE:
            self._look(now)
        rest, answer, loud = message, early, 0
        rest = rest[self._write(rest) :]
        if rest:
            self._answers.register(self._in, select.POLLOUT)
        try:
            while True:
                left = begun + seconds - now
                if left <= 0:
                    raise Fault("late", f"it had not answered within {seconds:g} s.")
                for pipe, _ in self._answers.poll(1000 * min(left, GLANCE) + 1):
                    if pipe == self._in:
                        rest = rest[self._write(rest) :]
                        if not rest:
                            self._answers.unregister(self._in)
                    elif pipe == self._err:
                        loud += self._hear()
                    else:
                        answer += self._read()
                now = time.monotonic()
                if end := ended(answer):
                    if now - begun > seconds:
                        raise Fault("late", f"it answered after {now - begun:.2f} s, and had {seconds:g} s.")
                    return _answered(answer[:end], answer[end:], most)
                if len(answer) > most or loud > LOUDEST:
                    raise Fault(
                        "flood", f"it wrote more than {most if loud <= LOUDEST else LOUDEST:,} bytes in a turn."
                    )
                if now - self._looked > GLANCE and now - begun > GLANCE:
                    self._look(now)
        finally:
            if rest:
                with contextlib.suppress(KeyError):
                    self._answers.unregister(self._in)

    def _write(self, rest: bytes) -> int:
        try:
            return os.write(self._in, rest)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise self._crash() from None

    def _read(self) -> bytes:
        """What there is to be read; the end of the pipe is a crash."""
        try:
            read = os.read(self._out, 65536)
        except BlockingIOError:
            return b""
        if not read:
            raise self._crash()
        return read

    def _hear(self) -> int:
        """Takes what the program says of its troubles; the last of it is kept."""
        try:
            read = os.read(self._err, 65536)
        except BlockingIOError:
            return 0
        if not read:
            with contextlib.suppress(KeyError):
                self._answers.unregister(self._err)
        self._said = (self._said + read)[-HEARD:]
        self._note("# ", read.decode("utf-8", errors="replace"))
        return len(read)

    def _crash(self) -> Fault:
        """How the program ended, with the reason it gave on standard error."""
        try:
            code = self._popen.wait(1.0)
        except subprocess.TimeoutExpired:
            return Fault("crash", "it closed its standard input or output.")
        for _ in range(64):
            if not self._hear():
                break
        number = -code if code < 0 else code - 128 if 128 < code < 193 else 0
        try:
            how = f"was ended by {signal.Signals(number).name}"
        except ValueError:
            how = f"exited with code {code}"
        why = complaint(self._said.decode("utf-8", errors="replace"))
        return Fault("crash", f"it {how}{': ' * bool(why)}{why}.")

    def _look(self, now: float) -> None:
        """Raises Fault if the program uses more than it may."""
        self._looked = now
        family, memory = usage(self._popen.pid)
        if memory > self._limits.memory * MIB:
            raise Fault("limit", f"it held {memory // MIB:,} MiB, and may have {self._limits.memory:,}.")
        if len(family) > self._limits.processes + 4:  # those of the box
            raise Fault("limit", f"it ran {len(family)} processes, and may have {self._limits.processes}.")


def _answered(answer: bytes, more: bytes, most: int) -> str:
    if len(answer) > most or len(more) > most:
        raise Fault("flood", f"it wrote more than {most:,} bytes in a turn.")
    if more:
        raise Fault(
            "nonsense", f"it answered {quoted(answer)} and then wrote {quoted(more)}, which nobody had asked for."
        )
    return answer.decode("utf-8", errors="replace").rstrip("\r\n")


def end(popen: subprocess.Popen[bytes]) -> None:
    """Ends a program with all that descends from it; nothing if it has ended."""
    family = usage(popen.pid)[0] if popen.poll() is None else []
    for group in (lambda: os.killpg(popen.pid, signal.SIGKILL), popen.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            group()
    for process in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        popen.wait(5.0)
    for pipe in (popen.stdin, popen.stdout, popen.stderr):
        if pipe is not None:
            pipe.close()


def quoted(text: bytes) -> str:
    """What a program wrote, printable, on one line and no longer than is read at a glance."""
    shown = ascii(text[:80].decode("utf-8", errors="replace").strip())
    return shown if len(text) <= 80 else f"{shown[:-1]}...'"
