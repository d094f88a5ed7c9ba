"""Run every test and close with one line: `b25: N passed, N failed, N skipped · Python … · lock … · T s`.

The kernels' tests run three times: plain, with bounds checks, and with the JIT off; the tutorials cell by cell, with what they
show compared; the studies in notebooks/research to their end. Words given to this script go to one plain pytest run instead:
`python tests/run.py tests/market -k bridge`.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.lock.txt"
KERNELS = ROOT / "tests" / "kernels"
TUTORIALS = ROOT / "notebooks" / "tutorials"
STUDIES = ROOT / "notebooks" / "research"
MASKS = ROOT / "tests" / "nbval.cfg"
PLAIN = ["-p", "no:nbval"]  # its import takes two seconds, and only the tutorials need it
NO_TESTS_EXIT_CODE = 5
# Words of the reasons for a skip that CI has no excuse for; pytest.importorskip says the second.
MUST_BE_THERE = ("shared", "could not import", "development lock")


@dataclass(frozen=True, slots=True)
class Phase:
    """One pytest run: what it is called, its words, and what it adds to the environment."""

    name: str
    words: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skip:
    """One test that was not run, and why."""

    test: str
    reason: str

    def __str__(self) -> str:
        return f"{self.test}: {self.reason}"


@dataclass(slots=True)
class Count:
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skips: list[Skip] = field(default_factory=list)


def phases(words: Sequence[str]) -> list[Phase]:
    """The pytest runs that make up `make test`; just one when words are given."""
    if words:
        return [Phase("tests", [*words, *PLAIN])]
    found = [Phase("all tests", ["tests", *PLAIN, "-n", "2", "--dist", "loadfile"])]
    if any(KERNELS.glob("test_*.py")):
        kernels = [str(KERNELS.relative_to(ROOT)), *PLAIN, "-n", "2", "--dist", "loadfile"]
        found += [
            Phase("kernels, bounds checked", kernels, {"NUMBA_BOUNDSCHECK": "1", "B25_HYPOTHESIS": "brief"}),
            Phase("kernels, JIT off", kernels, {"NUMBA_DISABLE_JIT": "1", "B25_HYPOTHESIS": "interpreted"}),
        ]
    nbval = ["--nbval-current-env", "-n", "2", "--dist", "loadfile"]
    if any(TUTORIALS.glob("*.ipynb")):
        strict = ["--nbval", "--nbval-sanitize-with", str(MASKS.relative_to(ROOT)), "--nbval-cell-timeout=60"]
        found.append(Phase("tutorials", [str(TUTORIALS.relative_to(ROOT)), *strict, *nbval]))
    if any(STUDIES.glob("*.ipynb")):
        found.append(Phase("studies", [str(STUDIES.relative_to(ROOT)), "--nbval-lax", "--nbval-cell-timeout=120", *nbval]))
    return found


def run_phase(phase: Phase, report: Path) -> Count:
    """Run pytest once and read its JUnit report."""
    print(f"\n== {phase.name}", flush=True)
    environment = {"B25_CACHE_DIR": str(ROOT / ".cache" / "kernels"), **os.environ, **phase.environment}
    # A tutorial says how often its data were tried: each run begins with an empty log, and leaves nothing in data/.
    for name in ("B25_TRIALS", "B25_SWEEPS"):
        environment[name] = tempfile.mkdtemp(prefix="b25-", dir=report.parent)
    command = [sys.executable, "-m", "pytest", *phase.words, f"--junitxml={report}", "-q"]
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode
    count = read_report(report, phase.name) if report.exists() else Count()
    if code not in (0, NO_TESTS_EXIT_CODE) and count.failed == 0:
        count.failed = 1  # pytest itself broke: a wrong option, a crash, an interrupt
    return count


def read_report(report: Path, phase_name: str) -> Count:
    """Count the cases of a JUnit report; an error outside of a test counts as a failure."""
    count = Count()
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314  our own pytest wrote it
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
        elif skip is not None:
            count.skips.append(Skip(f"{phase_name}: {case.get('classname')}.{case.get('name')}", skip.get("message", "")))
        else:
            count.passed += 1
    return count


def in_ci() -> bool:
    """Whether this is the run that decides: there, a test that needs ../shared must not be skipped."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def fail_without_shared(total: Count) -> None:
    """Count a test that was skipped for want of ../shared, or of a package that the lock holds, as a failure."""
    for skip in [skip for skip in total.skips if any(word in skip.reason for word in MUST_BE_THERE)]:
        total.skips.remove(skip)
        total.failed += 1
        print(f"failed, because CI has what it misses: {skip}")


def main(words: Sequence[str]) -> int:
    """Run all phases, print the closing line; the exit code is 0 only if nothing failed."""
    begin = time.monotonic()
    total = Count()
    with tempfile.TemporaryDirectory() as folder:
        for number, phase in enumerate(phases(words)):
            count = run_phase(phase, Path(folder) / f"{number}.xml")
            total.passed += count.passed
            total.failed += count.failed
            total.skips += count.skips
    print()
    for skip in total.skips:
        print(f"skipped: {skip}")
    if in_ci():
        fail_without_shared(total)
    if total.passed + total.failed == 0:
        print("no test ran")
        return NO_TESTS_EXIT_CODE
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:8]
    print(
        f"b25: {total.passed} passed, {total.failed} failed, {len(total.skips)} skipped"
        f" · Python {sys.version.split()[0]} · lock {lock} · {time.monotonic() - begin:.0f} s",
        flush=True,
    )
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
