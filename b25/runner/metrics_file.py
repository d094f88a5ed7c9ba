"""What a process tells of itself once a second, in a file beside its heartbeat: no port, no lock, nothing that could wait.

    <run folder>/sessions/<name>/metrics.prom      Prometheus' text format, replaced whole

The gateway's `/metrics`, and `b25 metrics serve` where no gateway runs, put the files of a run folder together.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from b25.observe.meter import Meter
from b25.runner.durable_file import write_plainly
from b25.runner.seat import session_folder

FILE: Final = "metrics.prom"
TELL_S: Final = 1.0
LAG_S: Final = 0.1
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class MetricsFile:
    """The telling end of one process.

    Parameters
    ----------
    folder : Path
        The run folder.
    name : str
        The process' name there.
    meter : Meter
    read : callable
        Brings the meter up to date, before it is told.
    say : callable
        Told why nothing can be told, once.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        meter: Meter,
        read: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path, self.meter, self.read, self.say = session_folder(folder, name) / FILE, meter, read, say
        self._due_s = 0.0
        self._told = ""

    def tell(self) -> None:
        """Tell now. Whatever fails costs the reader its news, and the process nothing but a line that says so."""
        try:
            self.measure()
            write_plainly(self.path, self.meter.text().encode())
        except Exception as fault:
            what = f"metrics: {type(fault).__name__}: {fault}"
            if what != self._told:
                self._told = what
                self.say(what)

    def measure(self) -> None:
        """Bring the meter up to date, without telling."""
        self.read()
        read_process(self.meter)

    def tell_if_due(self) -> None:
        """Tell once a second; call it as often as you like."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + TELL_S
            self.tell()

    async def run(self) -> None:
        """Tell once a second, and measure how late the loop wakes, until cancelled."""
        while True:
            await self.wait(LAG_S)
            self.tell_if_due()

    async def wait(self, wait_s: float) -> None:
        """Sleep, and note how much longer it took."""
        began_s = time.perf_counter()
        await asyncio.sleep(wait_s)
        self.meter.observe("b25_process_loop_lag_seconds", [max(0.0, time.perf_counter() - began_s - wait_s)])


def read_process(meter: Meter) -> None:
    """Tell of this process: processor, memory, files, garbage."""
    spent = os.times()
    meter.total("b25_process_cpu_seconds_total", spent.user + spent.system)
    with suppress(OSError, ValueError, IndexError):
        meter.set("b25_process_memory_bytes", int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE)
    with suppress(OSError):
        meter.set("b25_process_open_files", len(os.listdir("/proc/self/fd")))
    meter.set("b25_process_start_time_seconds", _BEGAN_S)
    for generation, told in enumerate(gc.get_stats()):
        meter.total("b25_process_gc_collections_total", told["collections"], generation=str(generation))


def _began_s() -> float:
    """When this process began, since 1970; when it read this file, where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        with open("/proc/uptime") as file:
            up_s = float(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return time.time()
    return time.time() - up_s + int(fields[19]) / _TICKS


_BEGAN_S: Final = _began_s()
