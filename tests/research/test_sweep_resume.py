"""An interrupted sweep goes on where it stopped, and finds what one that was never interrupted finds."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import b25
from b25.model.errors import Misuse
from b25.research import sweep_run, sweep_store
from tests.research.crosses import Cross, Plain
from tests.research.markets import wandering

ROOT = Path(__file__).resolve().parents[2]
GRID = {"fast": list(range(2, 42)), "slow": [50, 60]}
HOW = {"objective": "net_profit", "progress": False, "log": False}
CHILD = """
import time, b25
from b25.research import sweep_run, sweep_store
from tests.research.crosses import Cross
from tests.research.markets import wandering
from tests.research.test_sweep_resume import GRID, HOW
sweep_store.FLUSH_S, sweep_run.PART_POINTS = {flush_s}, 2
def tell(done, total):
    print(done, flush=True)
    time.sleep(0.02)
b25.sweep(Cross, wandering(600), grid=GRID, jobs=1, **HOW | {{"progress": tell}})
"""


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("B25_SWEEPS", str(tmp_path / "sweeps"))
    monkeypatch.setattr(sweep_run, "PART_POINTS", 2)
    return tmp_path


@pytest.fixture(scope="module")
def market():
    return wandering(600)


@pytest.fixture
def ran(monkeypatch):
    """Numbers of points of the parts that are run."""
    sizes = []
    part = sweep_run.Threads._part

    def counted(self, columns):
        sizes.append(next(iter(columns.values())).size)
        return part(self, columns)

    monkeypatch.setattr(sweep_run.Threads, "_part", counted)
    return sizes


def interrupted(how, flush_s):
    """Begin the sweep in another process, and end it in the middle; returns how many points were told to be done."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(flush_s=flush_s)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        for line in child.stdout:
            if int(line) >= 20:
                break
        child.send_signal(how)
        rest = child.stdout.read().split()
        child.wait(60)
    finally:
        child.kill()
        child.stdout.close()
    assert child.returncode != 0
    return int(rest[-1]) if rest else int(line)


@pytest.mark.parametrize(("how", "flush_s"), [(signal.SIGKILL, 0), (signal.SIGINT, 3_600)])
def test_what_was_done_is_not_done_again(market, ran, folders, how, flush_s):
    interrupted(how, flush_s)
    kept = sum(int(p.stat().st_size > 0) for p in (folders / "sweeps").rglob("*.part"))
    assert kept >= 5
    told = []
    found = b25.sweep(Cross, market, grid=GRID, **HOW | {"progress": lambda done, total: told.append(done)})
    assert told[0] == 2 * kept
    assert sum(ran) == len(found) - 2 * kept
    assert told[-1] == len(found) == 80
    whole = b25.sweep(Cross, market, grid=GRID, resume=False, **HOW)
    assert found.hash == whole.hash
    assert not list((folders / "sweeps").rglob("*.part"))


@pytest.fixture
def half(market, monkeypatch, folders):
    """A sweep of which something is on disk, and which was ended by what it told its progress to."""
    monkeypatch.setattr(sweep_store, "FLUSH_S", 0)

    def tell(done, total):
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        b25.sweep(Cross, market, grid=GRID, **HOW | {"progress": tell})
    return sorted((folders / "sweeps").rglob("*.part"))


def test_a_part_that_is_not_whole_is_run_again(market, half, ran):
    for path, spoilt in zip(half, (b"", half[1].read_bytes()[:-8], half[2].read_bytes()[:-1] + b"?", b"no part"), strict=False):
        path.write_bytes(spoilt)
    half[0].with_name("abc.part").write_bytes(half[5].read_bytes())
    half[0].with_name(f"{10**11}.part").write_bytes(half[5].read_bytes())
    found = b25.sweep(Cross, market, grid=GRID, **HOW)
    assert sum(ran) == 80 - 2 * (len(half) - 4)
    assert found.hash == b25.sweep(Cross, market, grid=GRID, resume=False, **HOW).hash


def test_other_points_data_and_assumptions_begin_anew(market, half, ran):
    for how in ({"grid": GRID | {"slow": [50, 61]}}, {"size": 2.0}, {"fees": b25.Fees(0, 0)}):
        ran.clear()
        b25.sweep(Cross, market, **{"grid": GRID} | how | HOW)
        assert sum(ran) == 80
    ran.clear()
    b25.sweep(Cross, wandering(601), grid=GRID, **HOW)
    assert sum(ran) == 80


def test_parts_of_another_build_are_not_taken(market, half, ran, monkeypatch):
    monkeypatch.setattr(sweep_store, "build_key", lambda: "another")
    b25.sweep(Cross, market, grid=GRID, **HOW)
    assert sum(ran) == 80


def test_another_objective_is_looked_at_in_what_was_done(market, monkeypatch):
    grid = {"size": [0.0, *range(1, 30)]}
    monkeypatch.setattr(sweep_store, "FLUSH_S", 0)

    def tell(done, total):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        b25.sweep(Cross, market, grid=grid, **HOW | {"progress": tell})
    with pytest.raises(Misuse, match=r"size=0\.0\) has no win_rate"):
        b25.sweep(Cross, market, grid=grid, **HOW | {"objective": "win_rate"})


def test_a_folder_that_cannot_be_written_fails_no_sweep(market, folders, monkeypatch):
    monkeypatch.setattr(sweep_store, "FLUSH_S", 0)
    (folders / "file").write_text("no folder")
    monkeypatch.setenv("B25_SWEEPS", str(folders / "file"))
    assert len(b25.sweep(Cross, market, grid=GRID, **HOW)) == 80


def test_a_short_sweep_writes_nothing(market, folders):
    b25.sweep(Cross, market, grid={"fast": [3, 5]}, **HOW)
    assert not (folders / "sweeps").exists()


def test_few_unfinished_sweeps_are_kept(market, half, folders):
    home = folders / "sweeps"
    for k in range(30):
        (home / f"old{k}").mkdir()
    b25.sweep(Cross, market, grid=GRID, **HOW)
    assert len(list(home.iterdir())) == sweep_store.KEPT


def test_plain_python_is_resumed_too(monkeypatch):
    monkeypatch.setattr(sweep_store, "FLUSH_S", 0)
    market, grid, told = wandering(60), {"fast": list(range(2, 12))}, []

    def tell(done, total):
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        b25.sweep(Plain, market, grid=grid, **HOW | {"progress": tell})
    found = b25.sweep(Plain, market, grid=grid, **HOW | {"progress": lambda done, total: told.append(done)})
    assert told[0] == 4
    assert found.hash == b25.sweep(Plain, market, grid=grid, resume=False, **HOW).hash


@pytest.mark.parametrize(
    ("covered", "missing"),
    [
        ([], [(0, 4), (4, 8), (8, 10)]),
        ([(0, 10)], []),
        ([(2, 4), (3, 6)], [(0, 2), (6, 10)]),
        ([(6, 10), (0, 1)], [(1, 5), (5, 6)]),
    ],
)
def test_what_no_part_covers_is_cut_into_parts(covered, missing):
    assert sweep_store.gaps_between(covered, 10, 4) == missing
