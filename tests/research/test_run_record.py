"""What a result leaves in a notebook: the same for equal runs, small, without time or path, none when memory is not the disk."""

import json

import polars as pl
import pytest

import b25
from b25.model.errors import Misuse
from b25.research import run_record
from b25.research.run_record import MIME, chain, payload_of, source_hash, stream_hash
from tests.research.markets import wandering


class Turns(b25.Strategy):
    """Changes sides often."""

    every: int = b25.param(3, ge=1)
    k: int = 0

    def on_bar(self, ctx):
        self.k += 1
        if self.k % self.every == 0:
            ctx.target(1.0 if ctx.position() <= 0 else -1.0)


@pytest.fixture(scope="module")
def data():
    return wandering(600)


@pytest.fixture(scope="module")
def result(data):
    return b25.backtest(Turns, data, compiled=False)


def test_equal_runs_leave_equal_payloads_and_others_part_where_they_part(result, data):
    again = b25.backtest(Turns, data, compiled=False)
    assert payload_of(again) == payload_of(result)
    other = payload_of(b25.backtest(Turns, data, compiled=False, fees=b25.Fees(0.0003, 0.0006)))
    mine = payload_of(result)
    assert other["effects_sha256"] == mine["effects_sha256"]
    assert other["stream_sha256"] != mine["stream_sha256"]  # the fills paid more
    assert other["conditions_sha256"] != mine["conditions_sha256"]


def test_the_display_carries_it_beside_the_rest(result):
    (payload,) = result._repr_mimebundle_().values()
    assert list(result._repr_mimebundle_()) == [MIME]
    assert payload["strategy"]["name"] == "Turns"
    assert payload["effects"] == result.outcome.effects.size
    assert json.loads(json.dumps(payload)) == payload
    assert "/" not in json.dumps(payload)  # no path


def test_it_stays_small_however_long_the_stream_is(result, monkeypatch):
    monkeypatch.setattr(run_record, "RECORDS_A_LINK", 1)
    monkeypatch.setattr(run_record, "LINKS_MAX", 40)
    per, links = chain(result.outcome)
    assert len(links) <= 40
    assert per in (2, 4, 8, 16, 32)
    assert run_record.LINKS_MAX * (run_record.LINK_DIGITS + 4) < 10_000
    monkeypatch.undo()
    assert len(json.dumps(payload_of(result))) < 16_000


def test_a_link_covers_all_that_came_before_it(result):
    from dataclasses import replace

    effects = result.outcome.effects.copy()
    effects["price_ticks"][5] += 1
    moved = replace(result.outcome, effects=effects)
    per, links = chain(result.outcome)
    assert per == 1_000
    assert all(a != b for a, b in zip(links, chain(moved)[1], strict=True))
    assert stream_hash(moved) != stream_hash(result.outcome)


def test_the_source_hash_is_of_the_text(result):
    class Turns(b25.Strategy):
        every: int = b25.param(4, ge=1)
        k: int = 0

        def on_bar(self, ctx):
            self.k += 1

    assert source_hash(Turns) != source_hash(result.made.cls)


def test_the_whole_stream_is_kept_once_under_its_hash(result, tmp_path, monkeypatch):
    path = result.record(tmp_path)
    assert path == tmp_path / payload_of(result)["stream_sha256"] / "stream.parquet"
    table = pl.read_parquet(path)
    assert table.height == result.outcome.effects.size + result.outcome.fills.size
    assert table["time_ns"].is_sorted()
    assert set(table["kind"]) <= {"submit", "cancel", "amend", "refused", "fill"}
    stamp = path.stat().st_mtime_ns
    monkeypatch.setenv(run_record.FOLDER_VARIABLE, str(tmp_path))
    result._repr_mimebundle_()
    assert path.stat().st_mtime_ns == stamp
    assert [one.name for one in path.parent.iterdir()] == ["stream.parquet"]


def test_a_result_of_modules_that_changed_on_disk_is_not_recorded(result, monkeypatch):
    monkeypatch.setattr(run_record, "LOADED_NS", 0)
    with pytest.raises(Misuse, match=r"b25/.*\.py was written after this kernel had loaded b25"):
        payload_of(result)
    (payload,) = result._repr_mimebundle_().values()
    assert "not_recorded" in payload
    assert "chain" not in payload


def test_a_run_can_be_made_again_with_what_it_was_made_with(result):
    made = result.made
    again = b25.backtest(made.cls, list(made.datasets), compiled=False, **made.options, **result.parameters)
    assert again.hash == result.hash
