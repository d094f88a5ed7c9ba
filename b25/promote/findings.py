"""What can be wrong with a strategy in a notebook: every finding has a code, a place and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """Whether a finding stops a promotion."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding."""

    level: Level
    remedy: str
    why: str


ERROR, WARNING = Level.ERROR, Level.WARNING
CODES: Final[dict[str, Code]] = {
    "SYNTAX": Code(ERROR, "mend that line", "What Python cannot read cannot be promoted, nor judged."),
    "OUT_OF_ORDER": Code(
        ERROR, "Restart & Run All, save", "Cells that ran in another order show what the file does not say: state left behind."
    ),
    "UNRUN": Code(ERROR, "Restart & Run All, save", "A cell that the class needs was never run as it stands in the file."),
    "UNSAVED": Code(
        ERROR, "run the cell, save the notebook", "What the kernel runs is not what the file says; the file is what is promoted."
    ),
    "UNDEFINED": Code(
        ERROR, "define or import it in a cell", "The class reads a name that no cell binds: it lives in the kernel's memory only."
    ),
    "STAR_IMPORT": Code(ERROR, "import the names that are used", "Nobody can say from the text what `*` brings."),
    "REDEFINED": Code(
        ERROR, "keep one definition", "Which of several definitions was in force depends on the order in which cells ran."
    ),
    "RUNTIME_GLOBAL": Code(
        ERROR, "make it a parameter, or a stored artefact",
        "The class reads a value that was computed in the notebook; the file would have to compute it again, from what?",
    ),
    "GLOBAL_STMT": Code(ERROR, "declare it as a field of the class", "State outside the record is not saved, replayed or seen."),
    "NOTEBOOK_ONLY": Code(ERROR, "move it out of the strategy's cells", "It works in a notebook and nowhere else."),
    "FORBIDDEN_IMPORT": Code(
        ERROR, "ask ctx for it", "A strategy knows the market and its orders through ctx alone; anything else is not replayed."
    ),
    "NONDETERMINISM": Code(
        ERROR, "use ctx.now_ns, and no dice", "Another run would decide differently, and no replay could prove anything."
    ),
    "MUTABLE_DEFAULT": Code(ERROR, "declare it as a field of the class", "It is shared by all calls: state that nobody sees."),
    "CLASS_STATE": Code(
        ERROR, "declare it as an annotated number, or b25.window(n)", "It is shared by all instances, and not part of the record."
    ),
    "NUMBA_GLOBAL": Code(
        ERROR, "pass it in", "Compiled code freezes what it reads outside; only numbers written as they are stay the same."
    ),
    "SHARED_LINE": Code(ERROR, "write one statement a line", "A line is kept or left as a whole."),
    "BAD_ROOT": Code(ERROR, "name a class derived from b25.Strategy", "Only a strategy can be promoted."),
    "SECRET": Code(
        ERROR, "remove it, and change it where it came from", "What stands in a notebook is in its history, and in every copy."
    ),
    "AUTORELOAD": Code(WARNING, "run it without", "Modules that reload themselves are not those on disk."),
    "LONG_CELL": Code(WARNING, "move it to a file of strategies/", "A long function is read more easily in a file with tests."),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something found, and where.

    Attributes
    ----------
    cell : str
        Id of the cell; empty for the whole file.
    line : int
        In the cell, from 1; 0 for the whole cell.
    """

    code: str
    cell: str
    line: int
    text: str

    @property
    def level(self) -> Level:
        """Whether it stops a promotion."""
        return CODES[self.code].level

    def __str__(self) -> str:
        place = f"cell {self.cell}" + (f", line {self.line}" if self.line else "") if self.cell else "the notebook"
        return f"{self.code}: {place}: {self.text}; {CODES[self.code].remedy}"
