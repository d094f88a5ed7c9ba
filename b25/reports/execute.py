"""Runs a notebook by papermill in a kernel of its own: over ipc, in a cleaned environment, with bounded output and time."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError

ENGINE: Final = "b25-report"
STREAM_BYTES_MAX: Final = 200_000  # of one cell; more than anybody reads
DATA_BYTES_MAX: Final = 32 * 2**20  # of a notebook
TEXT_MAX: Final = 2_000
START_S: Final = 120
LEFT_OUT: Final = "\n… what follows is left out: this cell printed more than 200 kB\n"
TOO_LARGE: Final = "(left out: the outputs of this notebook are larger than 32 MB)"
OUTPUTS: Final = ("stream", "display_data", "execute_result", "update_display_data")
ERROR_TAG: Final = "papermill-error-cell-tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How a notebook is run.

    Attributes
    ----------
    until_s : float
        Monotonic time at which it is given up.
    begun : callable
        Told the number of each cell, from 1, before it runs.
    """

    environment: Mapping[str, str]
    folder: Path
    until_s: float
    limit: Callable[[], None]
    begun: Callable[[int], None]


@dataclass(slots=True)
class Outcome:
    """What became of it.

    Attributes
    ----------
    state : str
        ok, failed or timed_out.
    error_cell : str
        Number and first line of the cell.
    is_infrastructure : bool
        Whether it may go well the next time, though nothing is changed.
    """

    state: str = "ok"
    error_index: int = -1
    error_cell: str = ""
    error_name: str = ""
    error_text: str = ""
    is_infrastructure: bool = False
    book: Any = field(default=None, repr=False)


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Keeps as much of what is printed and shown as somebody can look at."""

    _stream = _data = 0
    _cell = -1

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take a message of the kernel, shortened where it is too long."""
        if msg["msg_type"] not in OUTPUTS or msg["parent_header"].get("msg_id") in self.output_hook_stack:
            return super().process_message(msg, cell, cell_index)
        if cell_index != self._cell:
            self._cell, self._stream = cell_index, 0
        content = msg["content"]
        if msg["msg_type"] == "stream":
            text, room = content["text"], STREAM_BYTES_MAX - self._stream
            if room < 0:
                return None
            self._stream += len(text)
            if len(text) > room:
                content["text"], self._stream = text[:room] + LEFT_OUT, STREAM_BYTES_MAX + 1
        else:
            self._data += sum(len(str(value)) for value in content["data"].values())
            if self._data > DATA_BYTES_MAX:
                content["data"] = {"text/plain": TOO_LARGE}
        return super().process_message(msg, cell, cell_index)


class _ReportEngine(Engine):  # type: ignore[misc]
    """Papermill's way of starting a kernel, with ours."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, conduct: Conduct, stderr_file: Any = None, **_: Any
    ) -> None:  # fmt: skip
        """Start a kernel, run every cell, end it."""
        wires = Path(tempfile.mkdtemp(prefix="b25-"))  # a short path: those of sockets have 107 characters
        manager = AsyncKernelManager(
            kernel_name=kernel_name, transport="ipc", connection_file=str(wires / "kernel.json"), ip=str(wires / "wire")
        )
        manager.session.key = manager.session.key or b""
        client = _Client(
            nb_man, km=manager, kernel_name=kernel_name, startup_timeout=START_S, stderr_file=stderr_file,
            timeout_func=lambda _: max(1, int(conduct.until_s - time.monotonic())), shutdown_kernel="immediate",
            on_cell_start=lambda cell, cell_index: conduct.begun(cell_index + 1), raise_on_iopub_timeout=True, iopub_timeout=30,
            record_timing=True,
        )  # fmt: skip
        try:
            client.execute(env=dict(conduct.environment), cwd=str(conduct.folder), preexec_fn=conduct.limit)
        finally:
            shutil.rmtree(wires, ignore_errors=True)


papermill_engines.register(ENGINE, _ReportEngine)


def execute(source: Path, target: Path, parameters: Mapping[str, Any], conduct: Conduct, errors: Any) -> Outcome:
    """Run a notebook and keep it as it ended, whatever happened.

    Parameters
    ----------
    source, target : Path
        Without braces: papermill would fill parameters into them.
    errors : text file
        Takes what the cells write on standard error.
    """
    assert not set("{}") & set(f"{source}{target}")
    made, at = Outcome(), 0

    def begun(number: int) -> None:
        nonlocal at
        at = number - 1
        conduct.begun(number)

    told = Conduct(
        environment=conduct.environment, folder=conduct.folder, until_s=conduct.until_s, limit=conduct.limit, begun=begun
    )  # fmt: skip
    try:
        papermill.execute_notebook(
            str(source), str(target), parameters=dict(parameters), engine_name=ENGINE, kernel_name="python3",
            language="python", progress_bar=False, stderr_file=errors, conduct=told,
        )  # fmt: skip
    except PapermillExecutionError as fault:
        made.state, made.error_name, made.error_text = "failed", fault.ename, str(fault.evalue)[:TEXT_MAX]
        at = fault.cell_index
    except CellTimeoutError:
        made.state, made.error_name, made.error_text = "timed_out", "Timeout", "the cell did not end in time"
    except DeadKernelError:
        made.state, made.error_name, made.error_text = "failed", "DeadKernel", "the kernel ended in the middle of the cell"
        made.is_infrastructure = True
    except (TimeoutError, RuntimeError, OSError) as fault:  # a kernel that does not start, a socket that is gone
        made.state, made.error_name, made.error_text = "failed", type(fault).__name__, str(fault)[:TEXT_MAX]
        made.is_infrastructure = not (isinstance(fault, OSError) and fault.errno in (28, 122))  # no room, quota
    except (ValueError, LookupError, AttributeError, TypeError) as fault:  # a notebook that papermill cannot make sense of
        made.state, made.error_name, made.error_text = "failed", type(fault).__name__, str(fault)[:TEXT_MAX]
    made.book = _tidy(read_book(target if target.is_file() else source))
    if made.state != "ok" and at < len(made.book.cells):
        made.error_index, made.error_cell = at, cell_name(made.book.cells[at], at)
    return made


def read_book(path: Path) -> Any:
    """Return a notebook as a mapping, brought up to the format of today."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def cell_name(cell: Any, index: int) -> str:
    """Number of a cell from 1, its id, and its first line."""
    first = next((line.strip() for line in str(cell.source).splitlines() if line.strip()), "")
    return f"cell {index + 1} ({cell.get('id', 'no id')}): {first[:120]}"


def _tidy(book: Any) -> Any:
    """The notebook without papermill's marks of an error, which shift its cells, and without paths of this machine."""
    book.cells = [cell for cell in book.cells if ERROR_TAG not in cell.metadata.get("tags", [])]
    for name in ("input_path", "output_path"):
        book.metadata.get("papermill", {}).pop(name, None)
    return book
