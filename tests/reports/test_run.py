"""Whole runs of small notebooks: what is left of one that goes well, and of each way in which one can go wrong."""

import os
import signal
from pathlib import Path

import nbformat
import orjson
import pytest

from b25.reports.build import Build
from b25.reports.definition import read_reports
from b25.reports.process_limits import descendants
from b25.reports.refusals import NoReport
from b25.reports.scheduler import Scheduler, start_run
from b25.store.report_runs import ReportRuns
from tests.reports.stand import metric, until

HIDDEN = "correct-horse-battery-staple"
FILES = {"executed.ipynb", "report.html", "metrics.json", "run.json", "stderr.log"}
GOOD = (
    "# The day", "## Money", metric("net", 1.25, "USDT", headline=True),
    "import os, sys\nprint('days', days, sorted(os.environ))",
   
    "print('to standard error', file=sys.stderr)",
)  # fmt: skip


@pytest.fixture(scope="module")
def good(shared):
    """One run that went well, in an environment that holds a trading key."""
    shared.define("good", *GOOD, more="params = { days = 4 }")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BINANCE_API_SECRET", "a-key-that-trades-everything")
        patch.setenv("HARMLESS_NAME", "a-key-that-trades-everything")
        row, code = shared.run("good", mode="live")
    assert code == 0, row
    return row


@pytest.mark.spec("AN-12")
def test_a_run_leaves_its_notebook_its_page_its_figures_and_its_facts(shared, good):
    folder = shared.files(good)
    assert good["state"] == "ok"
    assert {path.name for path in folder.iterdir()} == FILES
    assert folder.relative_to(shared.settings.reports_folder).parts[0] == "good"
    assert orjson.loads((folder / "metrics.json").read_bytes())["metrics"] == [
        {"name": "net", "value": 1.25, "unit": "USDT", "headline": True}
    ]
    facts = orjson.loads((folder / "run.json").read_bytes())
    assert facts["parameters"] == {"days": 4, "mode": "live"}
    assert len(facts["lock_sha256"]) == len(good["notebook_sha"]) == len(good["html_sha"]) == 64
    assert orjson.loads(good["headline"]) == {"net": {"value": 1.25, "unit": "USDT"}}
    assert "to standard error" in (folder / "stderr.log").read_text()
    assert shared.half_made() == []


def test_the_kernel_finds_no_key_in_its_environment_whatever_it_is_called(shared, good):
    text = (shared.files(good) / "executed.ipynb").read_text()
    assert "days 4" in text
    assert "B25_DATABASE_URL" in text
    assert "BINANCE_API_SECRET" not in text
    assert "HARMLESS_NAME" not in text


def test_a_run_that_is_over_is_not_run_again(shared, good):
    assert start_run(good["id"], shared.settings).wait(60) == 3
    assert shared.desk.run(good["id"]) == good


@pytest.mark.spec("AN-12")
def test_a_cell_that_fails_is_kept_rendered_and_named(shared):
    shared.define("broken", "# Broken", "print('before')", "1 / 0", "print('never reached')")
    row, code = shared.run("broken")
    page = (shared.files(row) / "report.html").read_text()
    assert (row["state"], row["error_name"], code) == ("failed", "ZeroDivisionError", 1)
    assert row["error_cell"].endswith("1 / 0")
    assert "before" in page
    assert "1 / 0" in page
    assert 'id="b25-failed"' in page
    assert "never reached" not in page
    assert nbformat.read(shared.files(row) / "executed.ipynb", as_version=4).cells[-2].outputs[0].ename == "ZeroDivisionError"
    assert shared.desk.runs.runs("broken", states=["queued"]) == []  # a cell is never tried again


def test_a_cell_that_never_ends_is_timed_out_and_named(shared):
    shared.define("endless", "x = 1", "import time\nwhile True: time.sleep(1)", more="timeout_s = 4")
    row, code = shared.run("endless")
    assert (row["state"], row["error_name"], code) == ("timed_out", "Timeout", 5)
    assert row["error_cell"].endswith("import time")
    assert "4 s" in row["error_text"]
    assert (shared.files(row) / "report.html").is_file()


def test_a_hundred_megabytes_of_prints_are_bounded(shared):
    shared.define("loud", "line = 'x' * 99_999\nfor _ in range(1_000): print(line)", "print('after')")
    row, _ = shared.run("loud")
    assert row["state"] == "ok"
    assert sum(path.stat().st_size for path in shared.files(row).iterdir()) < 2_000_000
    page = (shared.files(row) / "report.html").read_text()
    assert "left out" in page
    assert "after" in page


def test_a_run_that_takes_too_much_memory_is_ended(shared):
    shared.define(
        "greedy", "kept = [bytearray(b'x' * 2**20 * 20) for _ in range(40)]\nimport time; time.sleep(30)", more="memory_mb = 400"
    )
    row, _ = shared.run("greedy")
    assert (row["state"], row["error_name"]) == ("failed", "MemoryLimit")
    assert "400 MB" in row["error_text"]
    assert shared.desk.runs.runs("greedy", states=["queued"]) == []


def test_a_secret_in_an_output_quarantines_the_run(shared):
    path = shared.settings.secrets_folder / "SMTP"
    path.write_text(HIDDEN)
    path.chmod(0o600)
    cell = "from b25.reports.secrets import get\nimport base64\nprint(base64.b64encode(get('SMTP').encode()).decode())"
    shared.define("leaky", cell, more='secrets = ["SMTP"]')
    row, code = shared.run("leaky")
    assert (row["state"], row["error_name"], code) == ("quarantined", "Secret", 1)
    assert HIDDEN not in orjson.dumps(row).decode()
    assert row["folder"].startswith(".quarantine/")
    assert list((shared.settings.reports_folder / "leaky").rglob("report.html")) == []
    with pytest.raises(NoReport, match="quarantined"):
        shared.desk.page(row["id"])
    assert [one["change"] for one in shared.desk.marks.untold() if one["run_id"] == row["id"]] == ["quarantined"]


def test_a_kernel_that_is_killed_leaves_failed_and_no_half_folder(shared):
    shared.define("killed", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    row, _ = shared.run("killed")
    assert (row["state"], row["error_name"]) == ("failed", "DeadKernel")
    assert shared.half_made() == []
    (again,) = shared.desk.runs.runs("killed", states=["queued"])
    assert (again["attempt"], again["scheduled_for_ns"]) == (2, row["scheduled_for_ns"])
    assert again["not_before_ns"] - row["ended_ns"] == pytest.approx(30e9, abs=1e6)


def test_a_run_whose_process_is_killed_takes_its_kernel_along_and_is_buried(stand):
    stand.define("orphan", "import time\ntime.sleep(60)")
    run_id, process = stand.start("orphan")
    kernels = until(lambda: process.poll() is not None or (stand.half_made() and descendants(process.pid)))
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: all(is_dead(pid) for pid in kernels))
    assert stand.desk.run(run_id)["state"] == "running"
    assert stand.half_made()
    Scheduler(stand.settings, stand.store, lambda *_, **__: None).tick()
    row = stand.desk.run(run_id)
    assert (row["state"], row["error_name"], row["folder"]) == ("failed", "ProcessDied", "")
    assert stand.half_made() == []
    assert [one["attempt"] for one in stand.desk.runs.runs("orphan", states=["queued"])] == [2]


def is_dead(pid):
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def test_a_full_disk_leaves_what_was_there(stand, monkeypatch):
    """The rename is the last step; before it nothing is in its place, and after its failure nothing is left beside it."""
    stand.define("full", "print(1)")
    row = stand.desk.ask("full", {}, by="test", origin="cli")
    build = Build(stand.settings, row, read_reports(stand.settings.reports_file)["full"])

    def no_room(*_):
        raise OSError(28, "No space left on device")

    build.folder.mkdir(parents=True)
    (build.folder / "report.html").write_text("x")
    monkeypatch.setattr("pathlib.Path.rename", no_room)
    with pytest.raises(OSError, match="No space"):
        build._kept(build.folder, build.final)
    build.tidy()
    assert not build.final.exists()
    assert stand.half_made() == []
    assert ReportRuns(stand.store).run(row["id"])["folder"] == ""
