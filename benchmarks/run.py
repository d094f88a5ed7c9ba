"""`make bench`: measure everything side by side with its peers, and write the table into benchmarks/README.md.

python benchmarks/run.py                          all figures; the table is written
python benchmarks/run.py rows_per_second …        these figures only; printed, not written
python benchmarks/run.py --list                   their names
python benchmarks/run.py --lock [peer …]          resolve the peers' environments anew
"""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import measure_access
import measure_analytics
import measure_backtests
import measure_bars
import measure_books
import measure_config
import measure_crashes
import measure_explorer
import measure_faults
import measure_feed
import measure_gate
import measure_gateway
import measure_intents
import measure_kill
import measure_ledger
import measure_live
import measure_matching
import measure_memory
import measure_observing
import measure_report
import measure_runaway
import measure_setup
import measure_venue_rest
import measure_venue_streams
import measure_websocket
from contestants import LOCKS, ROOT, BenchFailed, checked, say
from figures import Figure
from stage import Stage

from requirements.install import find_uv, uv_environment

MEASURES = {
    measure.__name__: measure
    for module in (
        measure_backtests,
        measure_books,
        measure_bars,
        measure_matching,
        measure_feed,
        measure_ledger,
        measure_venue_rest,
        measure_venue_streams,
        measure_crashes,
        measure_faults,
        measure_live,
        measure_config,
        measure_gate,
        measure_gateway,
        measure_intents,
        measure_memory,
        measure_observing,
        measure_report,
        measure_kill,
        measure_runaway,
        measure_setup,
        measure_websocket,
        measure_access,
        measure_analytics,
        measure_explorer,
    )
    for measure in module.MEASURES
}
TABLE_HEAD = ["| what | must | aim | measured | how |", "|---|---|---|---|---|"]
BEGIN, END = "<!-- measured: written by `make bench` -->", "<!-- end of measured -->"
README = Path(__file__).resolve().parent / "README.md"


def main(words: Sequence[str]) -> int:
    if "--list" in words:
        print("\n".join(MEASURES))
        return 0
    if "--lock" in words:
        return lock([word for word in words if word != "--lock"])
    if unknown := [word for word in words if word not in MEASURES]:
        print(f"bench: there is no figure {unknown[0]!r}; one of {', '.join(MEASURES)}", file=sys.stderr)
        return 4
    try:
        stage = Stage()
        figures = [figure for name in (words or MEASURES) for figure in measured(name, stage)]
    except BenchFailed as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    lines = [*TABLE_HEAD, *(figure.row() for figure in figures)]
    print("\n".join(["", *lines]))
    if not words:
        write_table([f"{machine()}, {datetime.now(UTC):%Y-%m-%d}, build {build()}.", "", *lines])
    return 0 if all(figure.holds for figure in figures) else 1


def measured(name: str, stage: Stage) -> list[Figure]:
    say(name.replace("_", " "))
    figures = list(MEASURES[name](stage))
    for figure in figures:
        say(f"  {figure.row()}")
    return figures


def machine() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        model = next((line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line), model)
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def build() -> str:
    from b25.kernels.build import build_key

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return f"{build_key()} at {commit or 'no commit'}"


def write_table(lines: Sequence[str]) -> None:
    """Replace what stands between the two marks."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")
    say(f"wrote the table into {README.relative_to(ROOT)}")


def lock(peers: Sequence[str]) -> int:
    """Resolve the environment of these peers, or of all; the files hold names, versions and hashes, and no address."""
    uv = find_uv()
    if uv is None:
        print("bench: resolving needs uv on PATH", file=sys.stderr)
        return 1
    variables = {**uv_environment(), "UV_CUSTOM_COMPILE_COMMAND": "python benchmarks/run.py --lock"}
    for additional in ("UV_INDEX", "UV_FIND_LINKS"):  # what one machine adds is not to be had everywhere
        variables.pop(additional, None)
    wanted_files = {path.stem: path for path in sorted(LOCKS.glob("*.in"))}
    if unknown := set(peers) - wanted_files.keys():
        print(f"bench: there is no peer {min(unknown)!r}; one of {', '.join(wanted_files)}", file=sys.stderr)
        return 4
    for peer in peers or wanted_files:
        say(f"resolving {peer}")
        wanted = wanted_files[peer]
        command = [uv, "pip", "compile", str(wanted.relative_to(ROOT)), "--universal", "--python-version", "3.11", "--quiet"]
        command += ["--generate-hashes", "--no-emit-index-url", "--exclude-newer", "7 days"]
        checked([*command, "-o", str(wanted.with_suffix(".txt").relative_to(ROOT))], variables)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
