"""The run log counts what was tried once, whoever records it and however often, and never fails a run."""

import json
import multiprocessing
import os
import resource
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from b25.model.errors import Misuse
from b25.research import trials as module
from b25.research.trials import Trial, data_key, default_trials, log_trials, record, summary, trial_key

HASH = "ab" * 32


def sweep(first: int, last: int) -> list[Trial]:
    return [Trial(trial_key("code", {"fast": n}), 0.01 * ((n * 37) % 100)) for n in range(first, last)]


def ratios(first: int, last: int) -> np.ndarray:
    return np.array([0.01 * ((n * 37) % 100) for n in range(first, last)])


def test_equal_trials_count_once(tmp_path: Path):
    for sharpe in (0.1, 0.1, 0.3):
        assert record(HASH, [Trial(7, sharpe)], folder=tmp_path) == ""
    record(HASH, [Trial(8, 0.5), Trial(9, None)], folder=tmp_path)
    found = summary(HASH, folder=tmp_path)
    assert found.count == 3
    assert found.sharpe_mean == pytest.approx(0.3)
    assert found.sharpe_variance == pytest.approx(np.var([0.1, 0.5], ddof=1))
    assert summary("cd" * 32, folder=tmp_path).count == 0


def test_the_key_knows_behaviour_parameters_and_models_and_compares_numbers_as_numbers():
    key = trial_key("code", {"a": 5, "b": 0.5}, "fees")
    assert (
        key
        == trial_key("code", {"b": np.float64(0.5), "a": 5.0}, "fees")
        == trial_key("code", {"b": 0.5, "a": np.int64(5)}, "fees")
    )
    others = {
        trial_key("other", {"a": 5, "b": 0.5}, "fees"),
        trial_key("code", {"a": 6, "b": 0.5}, "fees"),
        trial_key("code", {"a": 5}, "fees"),
        trial_key("code", {"a": 5, "b": 0.5}, "none"),
    }
    assert len(others | {key}) == 5
    assert 0 <= key < 2**64


def test_a_run_and_the_same_point_of_a_sweep_are_one_trial(tmp_path: Path):
    returns = np.array([0.01, -0.02, 0.03])
    run = {"behaviour": "code", "parameters": {"fast": np.int64(7)}, "models": "fees", "returns": returns, "folder": tmp_path}
    assert module.log_run([HASH], **run).count == 1
    assert module.log_run([HASH], **run).sharpe_mean == pytest.approx(returns.mean() / returns.std(ddof=1))
    points = [Trial(trial_key("code", {"fast": n}, "fees"), 0.1) for n in range(100)]
    assert log_trials(HASH, points, folder=tmp_path).count == 100
    short = module.log_run([HASH, "cd"], **run | {"returns": returns[:1]})
    assert (short.count, short.sharpe_mean) == (1, None)


def test_overlapping_sweeps_count_each_point_once(tmp_path: Path):
    record(HASH, sweep(0, 300), what="first", folder=tmp_path)
    record(HASH, sweep(0, 300), what="again", folder=tmp_path)
    record(HASH, sweep(200, 500), what="wider", folder=tmp_path)
    record(HASH, sweep(250, 251), what="one of them alone", folder=tmp_path)
    found = summary(HASH, folder=tmp_path)
    assert found.count == 500
    assert found.sharpe_mean == pytest.approx(ratios(0, 500).mean())
    assert found.sharpe_variance == pytest.approx(ratios(0, 500).var(ddof=1))
    assert len((tmp_path / f"{HASH}.jsonl").read_text().splitlines()) == 4


def test_a_sweep_too_large_to_keep_counts_once_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "POINTS_MAX", 100)
    for _ in range(2):
        record(HASH, sweep(0, 300), folder=tmp_path)
    record(HASH, sweep(300, 310), folder=tmp_path)
    found = summary(HASH, folder=tmp_path)
    assert not list(tmp_path.rglob("*.npy"))
    assert found.count == 310
    assert found.sharpe_mean == pytest.approx(ratios(0, 310).mean())
    assert found.sharpe_variance == pytest.approx(ratios(0, 310).var(ddof=1))


def test_a_lost_file_of_points_still_leaves_its_sums(tmp_path: Path):
    record(HASH, sweep(0, 300), folder=tmp_path)
    (points,) = tmp_path.rglob("*.npy")
    points.write_bytes(b"broken")
    found = summary(HASH, folder=tmp_path)
    assert found.count == 300
    assert found.sharpe_variance == pytest.approx(ratios(0, 300).var(ddof=1))


def _record_many(folder: Path, first: int) -> None:
    for n in range(first, first + 50):
        record(HASH, [Trial(n, 0.01 * n)], what="x" * 200, folder=folder)


def test_processes_may_record_at_the_same_time(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_record_many, args=(tmp_path, 25 * i)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    lines = (tmp_path / f"{HASH}.jsonl").read_text().splitlines()
    assert len(lines) == 200
    assert all(json.loads(line)["v"] == 1 for line in lines)
    assert summary(HASH, folder=tmp_path).count == 125


def test_a_line_that_was_cut_short_is_ended_and_counted(tmp_path: Path):
    record(HASH, [Trial(1, 0.1)], folder=tmp_path)
    with (tmp_path / f"{HASH}.jsonl").open("ab") as log:
        log.write(b'{"v":1,"key":"00')
    record(HASH, [Trial(3, 0.3)], folder=tmp_path)
    found = summary(HASH, folder=tmp_path)
    assert found.count == 3
    assert found.sharpe_mean == pytest.approx(0.2)


def test_a_disk_that_takes_nothing_makes_the_trials_unknown(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    found = log_trials(HASH, [Trial(1, 0.1)], folder=blocked)
    assert found.count == 0
    assert found.reason.startswith("the run log could not be written (")
    (tmp_path / f"{HASH}.jsonl").mkdir()
    assert summary(HASH, folder=tmp_path).reason.startswith("the run log could not be read")


def test_a_full_disk_makes_the_trials_unknown(tmp_path: Path):
    record(HASH, [Trial(1, 0.1)], folder=tmp_path)
    # A limit on the size of files is what a process sees of a full disk.
    limits, action = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(tmp_path / f"{HASH}.jsonl") + 20, limits[1]))
    try:
        found = log_trials(HASH, [Trial(2, 0.2)], folder=tmp_path)
        many = log_trials(HASH, sweep(0, 300), folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, action)
    assert "could not be written" in found.reason
    assert "could not be written" in many.reason
    assert not list(tmp_path.rglob("*.partial"))
    assert log_trials(HASH, [Trial(3, 0.3)], folder=tmp_path).reason == ""


def test_the_folder_is_named_by_the_environment_or_found_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "log"))
    assert default_trials() == tmp_path / "log"
    record(HASH, [Trial(1, 0.1)])
    assert (tmp_path / "log" / f"{HASH}.jsonl").exists()
    monkeypatch.delenv("B25_TRIALS")
    for name in ("strategies", "data", "notebooks"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert default_trials() == tmp_path / "data" / "trials"


def test_any_hash_has_a_file_of_its_own_inside_the_folder(tmp_path: Path):
    for odd in ("../escape", "bridged:c61a", "bridged:c61a:ConstantLatency(1)", "x" * 500):
        assert log_trials(odd, [Trial(1)], folder=tmp_path / "log").count == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
    assert len(list((tmp_path / "log").iterdir())) == 4
    with pytest.raises(Misuse, match="no hash"):
        record("", [Trial(1)], folder=tmp_path)


def test_several_instruments_are_one_piece_of_data_in_any_order():
    assert data_key(["aa"]) == "aa"
    assert data_key(["aa", "bb"]) == data_key(["bb", "aa"]) != data_key(["aa", "cc"])


def test_a_hundred_thousand_points_are_summed_in_a_moment(tmp_path: Path):
    record(HASH, [Trial(n, 0.01) for n in range(100_000)], folder=tmp_path)
    began = time.process_time()
    assert summary(HASH, folder=tmp_path).count == 100_000
    assert time.process_time() - began < 0.5
