"""A sweep on a Dask cluster is the very same sweep, also when a worker dies in the middle of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import b25
from b25.model.errors import Misuse, Retry
from b25.research import cluster as clusters
from b25.research import sweep_run
from b25.research.strategy_file import load_strategy
from tests.research.crosses import Cross, Fragile, Leaning, Plain
from tests.research.markets import wandering

distributed = pytest.importorskip("distributed")

ROOT = Path(__file__).resolve().parents[2]
GRID = {"fast": list(range(2, 32)), "slow": [50, 60]}
HOW = {"objective": "net_profit", "progress": False, "log": False, "resume": False, "undefined": "show"}
pytestmark = [pytest.mark.slow]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("B25_SWEEPS", str(tmp_path / "sweeps"))


@pytest.fixture(scope="module")
def market():
    return wandering(600)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder that gives a worker b25 and nothing else of this project."""
    folder = tmp_path_factory.mktemp("worker")
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nsys.modules['tests'] = None\n")
    return folder


@pytest.fixture(scope="module")
def scheduler(home):
    """Address of a scheduler in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    options = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    process = begun(home, "distributed.cli.dask_scheduler", *options)
    yield address
    ended(process)


@pytest.fixture(scope="module")
def workers(home, scheduler):
    """Two workers without a nanny, one thread each, as processes."""
    found = [begun_worker(home, scheduler) for _ in range(2)]
    wait_for(scheduler, 2)
    yield found
    for process in found:
        ended(process)


@pytest.fixture
def address(scheduler, workers):
    return scheduler


def begun(home, module, *options):
    return subprocess.Popen(
        [sys.executable, "-m", module, *options],
        cwd=home, env={**os.environ, "PYTHONPATH": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def begun_worker(home, address):
    options = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(home)]
    return begun(home, "distributed.cli.dask_worker", address, *options)


def ended(process):
    process.kill()
    process.wait(20)


def wait_for(address, count):
    deadline = time.monotonic() + 60
    while True:
        try:
            with distributed.Client(address, timeout=2, set_as_default=False) as client:
                if count:
                    client.wait_for_workers(count, timeout=30)
                return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_cluster_finds_what_this_machine_finds(market, address):
    here = b25.sweep(Cross, market, grid=GRID, **HOW)
    there = b25.sweep(Cross, market, grid=GRID, cluster=address, **HOW)
    assert there.results.tobytes() == here.results.tobytes()
    assert there.hash == here.hash
    with distributed.Client(address, set_as_default=False) as client:
        again = b25.sweep(Cross, market, grid=GRID, cluster=client, **HOW)
        assert client.nthreads()  # a client that was given is not closed
    assert again.hash == here.hash


def test_points_that_raise_are_marked_there_too(market, address):
    grid = {"fast": [6, 7, 8]}
    there = b25.sweep(Fragile, market, grid=grid, cluster=address, **HOW)
    assert there.table["status"].to_list() == ["ok", "raised", "ok"]
    assert there.hash == b25.sweep(Fragile, market, grid=grid, **HOW).hash


def test_optuna_asks_a_cluster_for_the_same_points(market, address):
    pytest.importorskip("optuna")
    how = {"search": "optuna", "points": 10, "space": {"fast": (2, 30)}} | HOW
    assert b25.sweep(Cross, market, cluster=address, **how).hash == b25.sweep(Cross, market, **how, jobs=2).hash


def test_functions_of_the_class_s_module_travel_with_it(market, address):
    grid = {"fast": [3, 8]}
    there = b25.sweep(Leaning, market, grid=grid, cluster=address, **HOW)
    assert there.hash == b25.sweep(Leaning, market, grid=grid, **HOW).hash


def test_a_class_of_a_file_travels_with_the_module_beside_it(market, address, tmp_path):
    (tmp_path / "beside_it.py").write_text("import numba\n\n\n@numba.njit\ndef twice(x):\n    return 2.0 * x\n")
    (tmp_path / "mine.py").write_text(
        "import b25\nfrom beside_it import twice\n\n\nclass Mine(b25.Strategy):\n    fast: int = b25.param(3, ge=1)\n\n"
        "    def on_bar(self, ctx):\n        ctx.target(twice(0.5) if ctx.bar().close > ctx.bar().open else -1.0, 0)\n"
    )
    mine = load_strategy(f"{tmp_path / 'mine.py'}:Mine")
    there = b25.sweep(mine, market, grid={"fast": [3, 8]}, cluster=address, **HOW)
    assert there.hash == b25.sweep(mine, market, grid={"fast": [3, 8]}, **HOW).hash


def test_a_class_of_a_script_travels(address, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nimport b25\nfrom tests.research.markets import wandering\n"
        "from tests.research.test_sweep_cluster import HOW\n\n\nclass Mine(b25.Strategy):\n    fast: int = b25.param(3, ge=1)\n\n"
        "    def on_bar(self, ctx):\n        ctx.target(1.0 if ctx.bar().close > ctx.bar().open else -1.0, 0)\n\n\n"
        "if __name__ == '__main__':\n"
        "    for cluster in (None, sys.argv[1]):\n"
        "        print(b25.sweep(Mine, wandering(200), grid={'fast': [3, 8]}, cluster=cluster, **HOW).hash)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, str(script), address], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    here, there = ran.stdout.split()
    assert here == there


def test_a_worker_with_another_b25_is_refused(market, address, monkeypatch):
    monkeypatch.setattr(clusters, "code_hash", lambda: "another")
    with pytest.raises(Misuse, match="a worker of the cluster has another b25"):
        b25.sweep(Cross, market, grid=GRID, cluster=address, **HOW)


def test_nothing_stays_registered_to_travel(market, address):
    import cloudpickle

    b25.sweep(Leaning, market, grid={"fast": [3]}, cluster=address, **HOW)
    assert not cloudpickle.list_registry_pickle_by_value()


# A cluster that is not there


def test_an_address_where_nobody_is_fails_at_once(market):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(Misuse, match=rf"no cluster answers at '{nobody}' \(Connection refused\)"):
            b25.sweep(Cross, market, grid=GRID, cluster=nobody, **HOW)
    assert time.monotonic() - begun < 8


def test_somebody_who_is_no_scheduler_is_told_from_one(market, monkeypatch):
    monkeypatch.setattr(clusters, "KNOCK_S", 0.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Misuse, match="what listens there is no scheduler"):
            b25.sweep(Cross, market, grid=GRID, cluster=f"tcp://127.0.0.1:{other.getsockname()[1]}", **HOW)


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "tcp://127.0.0.1", "127.0.0.1:port"])
def test_what_is_no_address_is_refused(market, address):
    with pytest.raises(Misuse, match="is no address"):
        b25.sweep(Cross, market, grid=GRID, cluster=address, **HOW)


def test_a_cluster_without_workers_is_refused(market, home):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = begun(home, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    try:
        wait_for(f"tcp://127.0.0.1:{port}", 0)
        with pytest.raises(Misuse, match=r"has no worker[\s\S]*dask worker tcp://127"):
            b25.sweep(Cross, market, grid=GRID, cluster=f"tcp://127.0.0.1:{port}", **HOW)
    finally:
        ended(process)


def test_a_class_that_no_compiler_takes_is_refused(market, address):
    with pytest.raises(Misuse, match="a cluster runs compiled strategies only"):
        b25.sweep(Plain, market, grid={"fast": [3]}, cluster=address, **HOW)


# Deaths, last: they cost workers


def test_a_worker_that_is_killed_costs_only_its_part(market, address, workers, home, monkeypatch):
    monkeypatch.setattr(sweep_run, "PART_POINTS", 3)
    here = b25.sweep(Cross, market, grid=GRID, **HOW)
    told = []

    def tell(done, total):
        if 6 <= done < total and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)
            workers[0].wait(20)
        told.append(done)

    there = b25.sweep(Cross, market, grid=GRID, cluster=address, **HOW | {"progress": tell})
    assert workers[0].poll() is not None
    assert told[-1] == 60
    assert len(told) == 21  # each part once, and the beginning
    assert there.hash == here.hash


def test_when_no_worker_is_left_the_sweep_ends_and_goes_on_later(market, scheduler, home, monkeypatch):
    monkeypatch.setattr(sweep_run, "PART_POINTS", 3)
    monkeypatch.setattr(clusters, "DESERTED_S", 1.0)
    monkeypatch.setattr(clusters, "LOOK_S", 1)
    with distributed.Client(scheduler, set_as_default=False) as client:
        client.retire_workers()
        deadline = time.monotonic() + 20
        while client.nthreads() and time.monotonic() < deadline:
            time.sleep(0.1)
    worker = begun_worker(home, scheduler)
    how = HOW | {"resume": True}
    try:
        wait_for(scheduler, 1)

        def tell(done, total):
            if done >= 6 and worker.poll() is None:
                ended(worker)

        with pytest.raises(Retry, match="has no worker left"):
            b25.sweep(Cross, market, grid=GRID, cluster=scheduler, **how | {"progress": tell})
    finally:
        ended(worker)
    told = []
    found = b25.sweep(Cross, market, grid=GRID, **how | {"progress": lambda done, total: told.append(done)})
    assert told[0] >= 6
    assert found.hash == b25.sweep(Cross, market, grid=GRID, **HOW).hash
