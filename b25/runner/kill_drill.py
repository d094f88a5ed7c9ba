"""When the kill switch was last tried to the end: pulled, completed, and taken off by a named person."""

from __future__ import annotations

from pathlib import Path

from b25.runner.durable_file import read_json
from b25.runner.kill_latch import kill_folder, read_report


def last_drill_ns(folder: Path) -> int:
    """Return when a complete kill was last re-armed; 0 for never. One that was signed off though incomplete is none.

    Parameters
    ----------
    folder : Path
        The run folder.
    """
    times = [0]
    for path in kill_folder(folder).glob("past/*.json"):
        row = read_json(path)
        at_ns = row.get("rearmed_ns")
        if isinstance(at_ns, int) and read_report(folder, str(row.get("kill_id", ""))).get("is_complete"):
            times.append(at_ns)
    return max(times)
