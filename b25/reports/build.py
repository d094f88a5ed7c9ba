"""Puts a run's folder together beside its place, looks for secrets in it, and moves it there in one step."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any, Final

import nbformat
import orjson

from b25.config.settings import Settings
from b25.model.errors import Misuse
from b25.reports.definition import Report
from b25.reports.execute import Conduct, Outcome, execute, read_book
from b25.reports.kernel_environment import kernel_environment
from b25.reports.metrics import description_in, headline_of, metrics_in
from b25.reports.parameters import parameters_of
from b25.reports.paths import building_folder, quarantine_folder, run_folder, within
from b25.reports.process_limits import Watch, limit_kernel
from b25.reports.secrets import find
from b25.reports.secrets_scan import known_secrets, secrets_in
from b25.store.report_runs import Ending

LOCK: Final = Path("requirements/run.lock.txt")
STDERR_BYTES_MAX: Final = 2**20
KEPT: Final = ("executed.ipynb", "report.html", "metrics.json", "run.json", "stderr.log")
WHY: Final = {
    "memory": ("failed", "MemoryLimit", "its processes took more than {memory_mb} MB"),
    "time": ("timed_out", "Timeout", "it took longer than {timeout_s} s"),
    "stopped": ("failed", "Stopped", "it was told to stop"),
    "lost": ("failed", "Lost", "the store says that it is another's"),
}
GRACE_S: Final = 10.0  # after which the kernel is ended though it does not answer


class Build:
    """One run's folder.

    Parameters
    ----------
    settings : Settings
    row : dict
        Of the run, as the store has it.
    definition : Report

    Raises
    ------
    Misuse
        When a path is not where it should be.
    """

    def __init__(self, settings: Settings, row: dict[str, Any], definition: Report) -> None:
        self.settings, self.row, self.definition = settings, row, definition
        self.root = settings.reports_folder.resolve()
        self.final = run_folder(self.root, row["report"], row["id"], int(row["scheduled_for_ns"]))
        self.folder = building_folder(self.final)
        self.is_infrastructure = False
        self._watch: Watch | None = None
        self._stopped = ""
        self._begun_s = time.monotonic()

    def stop(self, why: str) -> None:
        """End the kernel, or the one that is about to start; the run is kept as it is then."""
        self._stopped = why
        if self._watch is not None:
            self._watch.end(why)

    def tidy(self) -> None:
        """Leave no half folder."""
        if self._watch is not None:
            self._watch.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, beat: Callable[[], bool], begun: Callable[[int, int], None]) -> Ending:
        """Run the notebook, render it, and keep it.

        Raises
        ------
        Misuse
            For a notebook or parameters that are wrong, or a secret that is nowhere.
        OSError
            When there is no room; then nothing is kept.
        """
        definition = self.definition
        notebook = within(Path.cwd() / definition.notebook, Path.cwd())
        known = parameters_of(notebook, definition.notebook)
        parameters = known.checked(definition.params | orjson.loads(self.row["params"]))
        given = {name: find(name, self.settings.secrets_folder) for name in definition.secrets}
        secrets = known_secrets(self.settings.secrets_folder, os.environ, given)
        shutil.rmtree(self.folder, ignore_errors=True)
        scratch = self.folder / "scratch"
        scratch.mkdir(parents=True)
        self.folder.chmod(0o700)
        source = self.folder / "source.ipynb"
        source.write_bytes(notebook.read_bytes())
        environment = kernel_environment(self.settings, scratch, definition.secrets, secrets)
        outcome = self._execute(source, parameters, environment, beat, begun)
        ending = self._written(outcome, parameters, hashlib.sha256(source.read_bytes()).hexdigest())
        shutil.rmtree(scratch, ignore_errors=True)
        source.unlink()
        if found := secrets_in([self.folder / name for name in KEPT], secrets):
            return self._quarantined(ending, found)
        self._kept(self.folder, self.final)
        return ending

    def _execute(
        self, source: Path, parameters: dict[str, Any], environment: dict[str, str], beat: Callable[[], bool],
        begun: Callable[[int, int], None],
    ) -> Outcome:  # fmt: skip
        definition = self.definition
        until_s = time.monotonic() + definition.timeout_s
        watch = self._watch = Watch(definition.memory_mb, until_s + GRACE_S, beat)
        of = len(read_book(source).cells) + bool(parameters)

        conduct = Conduct(
            environment=environment, folder=self.folder / "scratch", until_s=until_s, limit=limit_kernel(definition.memory_mb),
            begun=lambda number: begun(min(number, of), of),
        )  # fmt: skip
        # nbconvert is imported while the kernel starts, which is waited for anyway.
        threading.Thread(target=importlib.import_module, args=("b25.reports.html",), daemon=True).start()
        watch.why = self._stopped
        watch.start()
        with (self.folder / "stderr.log").open("w", encoding="utf-8") as errors, _standard_error_into(errors.fileno()):
            outcome = execute(source, self.folder / "executed.ipynb", parameters, conduct, errors)
        watch.stop()
        if watch.why and outcome.state != "ok":
            outcome.state, outcome.error_name, text = WHY[watch.why]
            outcome.error_text = text.format(memory_mb=definition.memory_mb, timeout_s=definition.timeout_s)
        elif outcome.state == "timed_out":
            outcome.error_text = WHY["time"][2].format(timeout_s=definition.timeout_s)
        # One that was ended for what it did is not tried again; one that was told to stop is.
        self.is_infrastructure = outcome.is_infrastructure if not watch.why else watch.why == "stopped"
        _shorten(self.folder / "stderr.log")
        return outcome

    def _written(self, outcome: Outcome, parameters: dict[str, Any], notebook_sha: str) -> Ending:
        """Write figures, page and facts of what was run."""
        metrics = list[dict[str, Any]]()
        try:
            metrics = metrics_in(outcome.book.cells)
        except Misuse as fault:
            if outcome.state == "ok":
                outcome.state, outcome.error_name, outcome.error_text = "failed", "Metrics", f"{fault.what}; {fault.remedy}"
        described = description_in(outcome.book.cells)
        from b25.reports.html import Page, head_of, moment, render

        row, seconds = self.row, time.monotonic() - self._begun_s
        facts: dict[str, Any] = {
            "run": row["id"], "report": row["report"], "scheduled_for": moment(row["scheduled_for_ns"]),
            "attempt": row["attempt"], "state": outcome.state, "notebook": self.definition.notebook,
            "notebook_sha256": notebook_sha, "lock_sha256": lock_sha256(), "data_sha256": str(described.get("data_sha256") or ""),
            "parameters": parameters, "seconds": round(seconds, 1), "b25": version("b25"),
            "memory_mb": self._watch.most_mb if self._watch else 0,
        }  # fmt: skip
        error = f"{outcome.error_cell or 'the run'}: {outcome.error_name}: {outcome.error_text}" if outcome.state != "ok" else ""
        page = Page(
            report=row["report"], state=outcome.state, head=head_of(described, int(row["scheduled_for_ns"])), error=error,
            error_index=outcome.error_index, facts=[(name.replace("_", " "), _told(value)) for name, value in facts.items()],
        )  # fmt: skip
        nbformat.write(outcome.book, self.folder / "executed.ipynb")  # type: ignore[no-untyped-call]
        text = render(outcome.book, page).encode()
        more = {"error_cell": outcome.error_cell, "error_name": outcome.error_name, "error_text": outcome.error_text}
        (self.folder / "report.html").write_bytes(text)
        (self.folder / "metrics.json").write_bytes(orjson.dumps({"schema": 1, "run": row["id"], "metrics": metrics}))
        (self.folder / "run.json").write_bytes(orjson.dumps({"schema": 1, **facts, "described": described, **more}))
        return Ending(
            state=outcome.state, notebook_sha=notebook_sha, lock_sha=facts["lock_sha256"], data_sha=facts["data_sha256"],
            html_sha=hashlib.sha256(text).hexdigest(), headline=headline_of(metrics), files="all",
            folder=str(self.final.relative_to(self.root)), **more,
        )  # fmt: skip

    def _quarantined(self, ending: Ending, found: list[str]) -> Ending:
        """Put the run where nothing is served from. What the secret was is told nowhere, only where it stands."""
        place = quarantine_folder(self.root, self.row["id"])
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept(self.folder, place)
        return Ending(
            state="quarantined", notebook_sha=ending.notebook_sha, lock_sha=ending.lock_sha, error_name="Secret",
            error_text=f"a secret was found: {'; '.join(found)}"[:2_000], folder=str(place.relative_to(self.root)), files="all",
        )  # fmt: skip

    @staticmethod
    def _kept(folder: Path, place: Path) -> None:
        """Move a whole folder into its place, durably."""
        for path in folder.iterdir():
            _flush(path)
        _flush(folder)
        folder.rename(place)
        _flush(place.parent)


@cache
def lock_sha256() -> str:
    """Hash of the lock that was installed from; without one, of what is installed."""
    if LOCK.is_file():
        return hashlib.sha256(LOCK.read_bytes()).hexdigest()
    listed = sorted(f"{one.metadata['Name']}=={one.version}" for one in distributions())
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()


@contextmanager
def _standard_error_into(handle: int) -> Iterator[None]:
    """Whatever this process and its children write on standard error goes to a file meanwhile."""
    before = os.dup(2)
    os.dup2(handle, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _shorten(path: Path) -> None:
    """Keep the end of a file that is too long."""
    if path.stat().st_size > STDERR_BYTES_MAX:
        with path.open("rb") as file:
            file.seek(-STDERR_BYTES_MAX, os.SEEK_END)
            end = file.read()
        path.write_bytes("… what was before is left out\n".encode() + end)


def _told(value: Any) -> str:
    return (value or "not stated") if isinstance(value, str) else orjson.dumps(value).decode()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
