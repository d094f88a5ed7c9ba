"""What the kill process tells of itself: that it looks, what is latched, and how late alarms were told."""

from __future__ import annotations

from pathlib import Path

from b25.observe.meter import Meter
from b25.runner.alarms import Notifier
from b25.runner.kill_latch import ALL, latched
from b25.runner.kill_process import KillProcess
from b25.runner.metrics_file import MetricsFile


class KillMetrics:
    """A watcher of the kill process that only tells.

    Parameters
    ----------
    folder : Path
        The run folder.
    name : str
        The process' name there.
    notifier : Notifier
    """

    def __init__(self, folder: Path, name: str, notifier: Notifier) -> None:
        self.folder, self.notifier = folder, notifier
        self.meter = Meter("kill", name)
        self.file = MetricsFile(folder, name, self.meter)

    def look(self, process: KillProcess) -> None:
        """Tell once a second."""
        self.file.read = lambda: self._read(process)
        self.file.tell_if_due()

    def _read(self, process: KillProcess) -> None:
        meter = self.meter
        meter.total("b25_kill_looks_total", process.looks)
        meter.set("b25_kill_accounts", len(process.reaches))
        for account in (ALL, *sorted(process.reaches)):
            meter.set("b25_kill_latched", latched(self.folder, account) is not None, account=account)
        meter.total("b25_kill_alarms_told_total", self.notifier.told)
        meter.set("b25_kill_alarm_delay_seconds", self.notifier.late_ms_max / 1e3)
