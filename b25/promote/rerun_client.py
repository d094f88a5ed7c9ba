"""A fresh kernel for a re-run, and the client that executes a notebook in it: bounded in time and in what it prints."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from b25.promote.rerun_folder import command

OUTPUT_BYTES_MAX: Final = 20_000_000  # of the whole notebook; a tutorial stays under 0.5 MB
START_S: Final = 120


class RerunClient(NotebookClient):
    """Executes a notebook in a kernel of its own, which listens on files and on no port.

    Attributes
    ----------
    at : int
        Number of the cell that runs, or ran last.
    overflown : bool
        Whether the kernel was ended for what it printed.
    """

    def __init__(self, book: Any, work: Path, seconds_max: float) -> None:
        manager = AsyncKernelManager(transport="ipc", connection_file=str(work / "kernel.json"))
        manager._kernel_spec = KernelSpec(argv=command(), display_name="re-run", language="python")
        super().__init__(
            book, km=manager, timeout_func=self._left_s, startup_timeout=START_S, raise_on_iopub_timeout=True,
            on_cell_start=self._begin, coalesce_streams=True, shutdown_kernel="immediate",
        )  # fmt: skip
        self.at, self.overflown = 0, False
        self._bytes, self._seconds_max, self._begun = 0, seconds_max, time.monotonic()

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take what the kernel shows, up to a bound."""
        content = msg["content"]
        shown = content.get("data") or {"text": content.get("text", "")}
        self._bytes += sum(len(one) if isinstance(one, str) else len(str(one)) for one in shown.values())
        if self._bytes > OUTPUT_BYTES_MAX:
            self.overflown = True
            self.end()
            return None if msg["msg_type"] != "status" else super().process_message(msg, cell, cell_index)
        return super().process_message(msg, cell, cell_index)

    def end(self) -> None:
        """End the kernel and what it started, at once."""
        group = getattr(getattr(self.km, "provisioner", None), "pgid", None)
        if group and group != os.getpgid(0):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    def _begin(self, cell: Any, cell_index: int) -> None:
        self.at = cell_index

    def _left_s(self, cell: Any) -> float:
        return max(0.1, self._seconds_max - (time.monotonic() - self._begun))
