"""What a check found: whether it holds, what was measured, and the symptom that the diagnosis goes by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One check.

    holds    None where the check does not fit the learner; `says` then tells why
    symptom  "check: what is wrong" of the table in `arena.doctor.diagnosis`; empty if nothing is
    """

    check: str
    about: str
    holds: bool | None
    says: str
    symptom: str = ""

    @property
    def mark(self) -> str:
        return "–" if self.holds is None else "✓" if self.holds else "✗"


@dataclass(frozen=True)
class Complaint:
    """A part that is broken, and what to look at."""

    part: str
    says: str


@dataclass(frozen=True)
class Report:
    """All that an examination found."""

    algorithm: str
    backbone: str
    settings: dict[str, Any]
    """Those that were tried in place of the doctor's."""
    seed: int
    findings: tuple[Finding, ...]
    complaints: tuple[Complaint, ...]
    seconds: float

    @property
    def healthy(self) -> bool:
        """Whether no check failed."""
        return all(finding.holds is not False for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {**asdict(self), "healthy": self.healthy}


def good(check: str, about: str, says: str) -> Finding:
    """A check that holds."""
    return Finding(check, about, True, says)


def bad(check: str, about: str, says: str, kind: str) -> Finding:
    """A check that fails, with its symptom."""
    return Finding(check, about, False, says, f"{check}: {kind}")


def unfit(check: str, about: str, why: str) -> Finding:
    """A check that does not fit the learner."""
    return Finding(check, about, None, why)
