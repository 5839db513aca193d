"""What a command remarks about one step of an event's way: how good it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from customevents.commands import output


class Grade(StrEnum):
    """How good it is, what a remark is about."""

    OK = "ok"
    NOTHING = "-"
    WARNING = "warning"
    WRONG = "wrong"


STYLES = {Grade.OK: "green", Grade.WARNING: "bold yellow", Grade.WRONG: "bold red"}


@dataclass(frozen=True)
class Remark:
    """One line of an answer; `todo` is what to do about it, where there is something."""

    grade: Grade
    about: str
    says: str
    todo: str = ""

    @property
    def line(self) -> str:
        """What is said, and what to do about it."""
        return f"{self.says}: {self.todo}" if self.todo else self.says


def ok(about: str, says: str) -> Remark:
    """All is well."""
    return Remark(Grade.OK, about, says)


def nothing(about: str, says: str) -> Remark:
    """It says nothing, and need not."""
    return Remark(Grade.NOTHING, about, says)


def warning(about: str, says: str, todo: str = "") -> Remark:
    """It may be wrong, or cannot be seen from here."""
    return Remark(Grade.WARNING, about, says, todo)


def wrong(about: str, says: str, todo: str = "") -> Remark:
    """Until it is mended, no event is delivered, or none of this namespace."""
    return Remark(Grade.WRONG, about, says, todo)


def print_remarks(remarks: Iterable[Remark]) -> None:
    """A line each, for people."""
    cells = (
        (
            output.text(remark.grade, STYLES.get(remark.grade, "")),
            output.text(remark.about),
            output.text(remark.line),
        )
        for remark in remarks
    )
    output.print_table((), cells)


def flat(remark: Remark) -> dict[str, str]:
    """The remark as plain data, for programs."""
    made = {"grade": remark.grade.value, "about": remark.about, "says": remark.says}
    return {**made, "todo": remark.todo} if remark.todo else made
