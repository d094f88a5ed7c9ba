"""Runs a saved notebook once more, whole, in a fresh kernel without network and keys: what it shows now stands against the file.

A  the payloads of the class's backtests as they stand in the file      B  the same cells run again
C  those backtests once more with the class that was cut out, on the same data, parameters and conditions
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from b25.promote.rerun_compare import Shown, drift, shown_payloads
from b25.promote.rerun_folder import REFUSED, copied, environment
from b25.promote.rerun_guard import WORDS
from b25.promote.third_run import MIME as THIRD_MIME
from b25.promote.wish import Refused

SECONDS_MAX: Final = 300.0
LAST: Final = "b25-third-run"
LOOKED_UP: Final = re.compile(r"(?:environ|getenv|secret)\w*\W+['\"]([A-Za-z_][A-Za-z0-9_]*)['\"]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What a re-run showed.

    Attributes
    ----------
    stored : tuple of Shown
        Payloads of the class in the file: run A. Empty when none was stored.
    again : tuple of Shown
        Of the same cells: run B.
    third : tuple of dict
        For each backtest of the class that the kernel held at the end: both hashes and the first difference: run C.
    """

    seconds: float
    cells: int
    stored: tuple[Shown, ...] = ()
    again: tuple[Shown, ...] = ()
    third: tuple[Mapping[str, Any], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What came of it, in one line."""
        ab = f"A = B in {len(self.stored)} results" if self.stored else "A not stored: no result of the class is in the file"
        bc = f"B = C in {len(self.third)} backtests" if self.third else "C not applicable: the notebook holds no backtest of it"
        return f"{self.cells} cells ran again; {ab}; {bc}"

    def as_dict(self) -> dict[str, Any]:
        """Return what `proof.json` keeps."""
        return {
            "A": {"state": "stored" if self.stored else "not stored", "streams": [one.stream for one in self.stored]},
            "B": {"state": "equal to A" if self.stored else "run", "streams": [one.stream for one in self.again]},
            "C": {"state": "equal to B" if self.third else "not applicable", "streams": [one["C"] for one in self.third]},
            "environment": dict(self.environment),
        }


class Beside:
    """A re-run in a thread of its own, while something else is proven.

    Parameters
    ----------
    notebook, file : Path
        The saved notebook, and the class that was cut out of it.
    name : str
        Of the class.
    """

    def __init__(self, notebook: Path, name: str, file: Path, seconds_max: float = SECONDS_MAX) -> None:
        self._run = Run(notebook, name, file, seconds_max)
        self._found: Rerun | None = None
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._go, name="b25-rerun", daemon=True)
        self._thread.start()

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *fault: object) -> None:
        self._run.end()
        self._thread.join()

    def result(self) -> Rerun:
        """Wait, and return what it showed. Raises Refused as `rerun`."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        assert self._found is not None
        return self._found

    def _go(self) -> None:
        try:
            self._found = self._run.go()
        except BaseException as fault:  # raised again where it is waited for
            self._fault = fault


def rerun(notebook: Path, name: str, file: Path, seconds_max: float = SECONDS_MAX) -> Rerun:
    """Run a notebook again, and hold what it shows against what is stored.

    Raises
    ------
    Refused
        When a cell raises, never ends, prints without end, or shows something else than the file says.
    """
    return Run(notebook, name, file, seconds_max).go()


class Run:
    """One re-run."""

    def __init__(self, notebook: Path, name: str, file: Path, seconds_max: float) -> None:
        self.notebook, self.name, self.file, self.seconds_max = notebook, name, file, seconds_max
        self._client: Any = None
        self._ended = False

    def end(self) -> None:
        """End the kernel, if it still runs."""
        self._ended = True
        if self._client is not None:
            self._client.end()

    def go(self) -> Rerun:
        """Run it. See `rerun`."""
        begun = time.monotonic()
        import nbformat

        book = nbformat.read(self.notebook, as_version=4)  # type: ignore[no-untyped-call]
        stored = nbformat.from_dict(book)  # type: ignore[no-untyped-call]
        count = len(book.cells)
        last = nbformat.v4.new_code_cell(_third_run(self.file, self.name), id=LAST)  # type: ignore[no-untyped-call]
        book.cells.append(last)
        with tempfile.TemporaryDirectory(prefix="b25-rerun-", ignore_cleanup_errors=True) as folder:
            work = Path(folder)
            given = environment(work, self.notebook)
            self._execute(book, work, copied(self.notebook.parent, work), given)
        cells = list(zip(stored.cells, book.cells[:count], strict=True))
        if where := drift(cells):
            raise _refused(
                self.notebook, where, "run all cells again, save, and promote again; tag nbval-ignore-output what may differ"
            )
        before, after = (
            [one for one in shown_payloads(side) if one.name == self.name] for side in (stored.cells, book.cells[:count])
        )
        third = _third_of(book.cells[count])
        for one in third:
            if one["difference"]:
                raise _refused(
                    self.notebook, f"the cut class is not that of the notebook: B and C differ in {one['difference']}",
                    "what it needs is not all in what was cut out: define it in cells, or tag them promote",
                )  # fmt: skip
        fixed = {name: value for name, value in given.items() if name in ("TZ", "PYTHONHASHSEED") or name.endswith("_THREADS")}
        return Rerun(
            seconds=time.monotonic() - begun, cells=sum(one.cell_type == "code" for one in stored.cells), stored=tuple(before),
            again=tuple(after), third=tuple(third), environment=fixed,
        )  # fmt: skip

    def _execute(self, book: Any, work: Path, here: Path, given: Mapping[str, str]) -> None:
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        from b25.promote.rerun_client import OUTPUT_BYTES_MAX, RerunClient

        for cell in book.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        client = self._client = RerunClient(book, work, self.seconds_max)
        try:
            if not self._ended:
                asyncio.run(client.async_execute(cwd=str(here), env=dict(given), cleanup_kc=True))
        except CellExecutionError as fault:
            raise self._raised(book, client.at, fault, work / REFUSED) from None
        except CellTimeoutError:
            what = f"{_cell(book, client.at)} had not ended {self.seconds_max:g} s after the re-run began"
            raise _refused(
                self.notebook, what, "a notebook that is promoted runs to its end; move what takes long elsewhere"
            ) from None
        except (DeadKernelError, RuntimeError, NoSuchKernel) as fault:
            if client.overflown:
                what = f"{_cell(book, client.at)} shows more than {OUTPUT_BYTES_MAX / 1e6:g} MB; the kernel was ended"
                raise _refused(self.notebook, what, "print less: a summary, or the first rows") from None
            raise _refused(self.notebook, f"{_cell(book, client.at)} ended the kernel: {fault}", "mend that cell") from None
        finally:
            client.end()

    def _raised(self, book: Any, place: int, fault: Any, noted: Path) -> Refused:
        told = f"{fault.ename}: {str(fault.evalue).splitlines()[0][:300] if fault.evalue else ''}"
        cell = _cell(book, place)
        if book.cells[place].id == LAST:
            return _refused(self.notebook, f"the cut class cannot do the notebook's own backtests: {told}", "see what it needs")
        source = book.cells[place].source
        asked = [one for one in LOOKED_UP.findall(source) if one not in environment_names()]
        if WORDS in str(fault.evalue):
            return _refused(self.notebook, f"{cell}: {told}", "store what it needs beside the notebook, and read that")
        if asked:
            what = f"{cell} needs {', '.join(dict.fromkeys(asked))}, which a re-run does not have: {told}"
            return _refused(self.notebook, what, "a notebook that is promoted needs no secret; read recorded data")
        if noted.exists():
            before = noted.read_text(encoding="utf-8").splitlines()[-1][:200]
            what = f"{cell} raises {told}; before that something was refused: {before}"
            return _refused(self.notebook, what, "store what it needs beside the notebook, and read that")
        return _refused(self.notebook, f"{cell} raises {told}", "Restart & Run All, mend it, save, and promote again")


def environment_names() -> set[str]:
    """Names that a cell may look up in a re-run."""
    return {"HOME", "PATH", "LANG", "TZ", "TMPDIR", *(name for name in os.environ if name.startswith("NUMBA_"))}


def _third_run(file: Path, name: str) -> str:
    return (
        "if 'b25.research.result' in __import__('sys').modules:  # else there is no backtest\n"
        f"    from b25.promote.third_run import show as _b25_show\n    _b25_show({str(file)!r}, {name!r}, get_ipython().user_ns)"
    )


def _third_of(cell: Any) -> list[Mapping[str, Any]]:
    for one in cell.outputs:
        if THIRD_MIME in one.get("data", {}):
            return list(one["data"][THIRD_MIME]["runs"])
    return []


def _cell(book: Any, place: int) -> str:
    return f"cell {book.cells[place].id}" if place < len(book.cells) else "the notebook"


def _refused(notebook: Path, what: str, remedy: str) -> Refused:
    return Refused(f"{notebook.name}, run again: {what}", remedy=remedy)
