"""Drift of sessions: a clean one has none; whatever is changed on purpose is found and named by its first difference."""

import json

import numpy as np
import orjson
import pytest

from b25.cli import main
from b25.model.event import EVENT, ORDER_FILLED
from b25.model.order import EFFECT, SUBMIT
from b25.promote.drift import DriftState, fees_of_text, session_drift, sessions_between, worst_of
from b25.promote.drift_market import Cause
from b25.promote.version import SOURCE
from b25.store.journal import EFFECTS, EVENTS, HEADER
from tests.promote.makers import HELPER, frozen, maker_notebook
from tests.promote.ran import ran, rewritten


def drift_of(stage, path, **how):
    return session_drift(path, root=stage / "strategies" / "live", secrets_folder=stage / "secrets", **how)


@pytest.fixture
def journal(stage):
    return stage / "sessions" / "one.journal"


def changed_once(kind, dtype, chosen, change, *, offset=0):
    """Change one row: the first that is chosen."""
    done = []

    def one(which, body):
        if which != kind or done:
            return body
        rows = np.frombuffer(body, dtype, offset=offset).copy()
        found = np.flatnonzero(chosen(rows))
        if found.size:
            change(rows[found[0] : found[0] + 1])
            done.append(1)
        return bytes(body[:offset]) + rows.tobytes()

    return one


@pytest.mark.slow
def test_a_clean_session_has_no_drift_and_its_orders_come_out_as_in_a_backtest(stage, journal):
    found = drift_of(stage, journal)
    assert (found.state, found.version, found.changed) == (DriftState.NONE, "maker@1", ())
    assert found.market.orders > 100
    assert found.market.fills > 10
    assert found.market.differences == ()
    assert "byte for byte" in found.detail
    json.dumps(found.facts())


def test_one_effect_that_was_changed_is_named(stage, journal, tmp_path):
    def later(row):
        row["price_ticks"] += 1

    change = changed_once(EFFECTS, EFFECT, lambda rows: rows["kind"] == SUBMIT, later, offset=8)
    found = drift_of(stage, rewritten(journal, tmp_path / "one.journal", change), with_market=False)
    assert found.state is DriftState.UNEXPLAINED
    assert "price_ticks of row 0 was" in found.detail
    assert found.first["journal"][0]["price_ticks"] == found.first["replay"][0]["price_ticks"] + 1
    assert "event" in repr(found)


def test_one_parameter_that_was_changed_is_named(stage, journal, tmp_path):
    def other(kind, body):
        if kind != HEADER:
            return body
        header = orjson.loads(body)
        header["strategy"]["parameters"]["offset_ticks"] = 7
        return orjson.dumps(header)

    found = drift_of(stage, rewritten(journal, tmp_path / "one.journal", other), with_market=False)
    assert found.state is DriftState.UNEXPLAINED
    assert "parameter offset_ticks: was 7, now it is 2" in found.detail


def test_a_session_of_other_parameters_than_its_version_is_found(stage, market):
    version = frozen(
        stage / "strategies" / "live", stage / "secrets", f"{stage / 'makers.ipynb'}:Maker", params={"offset_ticks": 4}
    )
    path = ran(stage, version, market, name="other", params={"offset_ticks": 3})
    found = drift_of(stage, path, with_market=False)
    assert found.version == version.reference
    assert found.state is DriftState.UNEXPLAINED
    assert "parameter offset_ticks: was 3, now it is 4" in found.detail
    assert found.first is not None


@pytest.mark.parametrize(
    ("as_promoted", "content", "state"), [(False, None, "none"), (True, None, "unexplained"), (False, "c0ffee", "unexplained")]
)
def test_other_parameters_on_purpose_are_said_and_another_content_is_no_purpose(
    stage, market, tmp_path, as_promoted, content, state
):
    version = frozen(
        stage / "strategies" / "live", stage / "secrets", f"{stage / 'makers.ipynb'}:Maker", params={"offset_ticks": 4}
    )
    path = ran(stage, version, market, name=f"purpose-{as_promoted}-{content}", params={"offset_ticks": 3})

    def said(kind, body):
        if kind != HEADER:
            return body
        header = orjson.loads(body)
        told = {"reference": version.reference, "as_promoted": as_promoted, "content_id": content or version.content_id}
        header["more"]["version"] = told
        return orjson.dumps(header)

    found = drift_of(stage, rewritten(path, tmp_path / path.name, said), with_market=False)
    assert str(found.state) == state
    assert any("on purpose" in one for one in found.notes) is not as_promoted


@pytest.mark.slow
def test_a_session_on_bars_is_replayed_and_says_why_there_is_no_backtest(stage, tmp_path):
    import b25
    from b25.promote.kinds import BarLives, BarSetting
    from b25.promote.version import load
    from b25.risk.limits import Limits
    from b25.venue.models import Fees
    from tests.conftest import ROOT

    version = frozen(stage / "strategies" / "live", stage / "secrets", f"{ROOT / 'strategies' / 'breakout.py'}:Breakout")
    setting = BarSetting(
        cls=load(version, stage / "secrets"), params={}, bars=(b25.sample(bars="1h", days=60),), fees=Fees(), limits=Limits(),
        balance=10_000.0, warmup=100,
    )  # fmt: skip
    BarLives(setting).session(tmp_path / "bars.journal")
    found = drift_of(stage, tmp_path / "bars.journal")
    assert (found.state, found.version) == (DriftState.NONE, "breakout@1")
    assert "no backtest: its market is bars" in found.detail


def test_one_fee_that_was_changed_is_named(stage, journal, tmp_path):
    def dearer(row):
        row["amount"] += 1_000

    change = changed_once(EVENTS, EVENT, lambda rows: rows["kind"] == ORDER_FILLED, dearer)
    found = drift_of(stage, rewritten(journal, tmp_path / "one.journal", change), with_market=False)
    assert found.state is DriftState.UNEXPLAINED
    assert "the positions differ: fees" in found.detail


@pytest.mark.slow
def test_a_venue_that_charges_more_than_the_schedule_is_explained_by_its_fees(stage, market):
    def dearer(answers):
        answers["amount"][answers["kind"] == ORDER_FILLED] += 50_000
        return answers

    path = ran(stage, _first(stage), market, name="dearer", answered=dearer)
    found = drift_of(stage, path)
    assert found.state is DriftState.EXPLAINED
    assert {one.cause for one in found.market.differences} == {Cause.FEE}
    assert found.market.bps_of(Cause.FEE) > 0


@pytest.mark.slow
def test_a_fill_beyond_its_limit_has_no_cause(stage, market):
    def worse(answers):
        (place, *_) = np.flatnonzero(answers["kind"] == ORDER_FILLED)
        answers["price_ticks"][place] += 500 * int(answers["side"][place])
        return answers

    path = ran(stage, _first(stage), market, name="worse", answered=worse)
    found = drift_of(stage, path)
    assert found.state is DriftState.UNEXPLAINED
    assert "beyond its limit" in found.detail
    let = drift_of(stage, path, bounds=_let_pass())
    assert let.state is DriftState.EXPLAINED


@pytest.mark.slow
def test_a_swapped_version_is_found_though_the_session_says_otherwise(stage, journal, tmp_path):
    changed = HELPER.replace("min(price, WIDEST)", "min(price, WIDEST) + 1.0")
    book = maker_notebook(tmp_path / "makers.ipynb", help=changed)
    other = frozen(stage / "strategies" / "live", stage / "secrets", f"{book}:Maker")
    found = drift_of(stage, journal, reference=other.reference, with_market=False)
    assert found.state is DriftState.UNEXPLAINED
    assert "source: the session ran" in found.detail
    assert any(one.startswith("code: Maker was") for one in found.changed)


def test_a_version_whose_bytes_were_changed_is_no_proof(stage, journal, tmp_path):
    import shutil

    shutil.copytree(stage / "strategies", tmp_path / "strategies")
    source = tmp_path / "strategies" / "live" / "maker" / "v0001" / SOURCE
    source.chmod(0o644)
    source.write_text(source.read_text().replace("0.01", "0.02"))
    found = session_drift(journal, root=tmp_path / "strategies" / "live", secrets_folder=stage / "secrets")
    assert found.state is DriftState.UNEXPLAINED
    assert "the manifest says" in found.detail


def test_a_damaged_journal_is_told_and_a_missing_version_is_not_run(stage, journal, tmp_path):
    held = bytearray(journal.read_bytes())
    held[len(held) // 2] ^= 1
    (tmp_path / "one.journal").write_bytes(held)
    found = drift_of(stage, tmp_path / "one.journal")
    assert found.state is DriftState.UNEXPLAINED
    assert "damaged" in found.detail
    gone = session_drift(journal, root=tmp_path / "nowhere", secrets_folder=stage / "secrets")
    assert (gone.state, gone.version) == (DriftState.NOT_RUN, "maker@1")
    assert worst_of([found, gone]) is DriftState.UNEXPLAINED
    assert worst_of([]) is DriftState.NOT_RUN


def test_a_session_that_still_writes_is_compared_as_far_as_it_is_whole(stage, journal, tmp_path):
    whole = journal.read_bytes()
    (tmp_path / "one.journal").write_bytes(whole[: 2 * len(whole) // 3])
    found = drift_of(stage, tmp_path / "one.journal", with_market=False)
    assert found.state is DriftState.NONE
    assert any("has not ended" in one for one in found.notes)


def test_sessions_are_found_by_the_time_of_their_events(stage, journal, market):
    found = sessions_between(stage / "sessions", market.start_ns, market.end_ns)
    assert journal in found
    assert sessions_between(stage / "sessions", market.end_ns + 10**12, market.end_ns + 10**15) == []


def test_fees_are_read_from_a_manifest_and_nothing_else_is_run():
    assert fees_of_text("Fees(maker=0.0002, taker=0.0005, tiers=(), per_lot=0.0, flat=0.0)").taker == 0.0005
    assert fees_of_text("__import__('os').getcwd()") is None
    assert fees_of_text("Fees(maker=open('x'))") is None


def test_the_command_writes_it_down_and_ends_with_1_for_what_has_no_cause(stage, journal, tmp_path, monkeypatch, capsys):
    from b25.promote.drift_record import drift_badge
    from b25.store.store import open_store

    (tmp_path / "strategies").symlink_to(stage / "strategies")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B25_SECRETS_FOLDER", str(stage / "secrets"))
    url = f"sqlite:///{tmp_path / 'b25.db'}"
    words = ["drift", "one", "--folder", str(stage / "sessions"), "--store", url, "--no-market", "--json"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["written"], told["sessions"][0]["version"]) == ("none", 1, "maker@1")
    store = open_store(url)
    assert repr(drift_badge("maker", 1, store)).startswith("maker@1 drift: none")
    assert drift_badge("maker", 9, store).state == "not run"

    def later(row):
        row["qty_lots"] += 1

    change = changed_once(EFFECTS, EFFECT, lambda rows: rows["kind"] == SUBMIT, later, offset=8)
    rewritten(journal, tmp_path / "one.journal", change)
    assert main(["drift", "one.journal", "--store", url, "--no-market"]) == 1
    assert "qty_lots of row 0" in capsys.readouterr().out
    badge = drift_badge("maker", 1, store)
    assert badge.state == "unexplained"
    assert "<script" not in badge.html()
    assert main(["drift", "nobody", "--folder", str(stage / "sessions")]) == 1
    assert "use one of" in capsys.readouterr().err
    store.close()
    since = np.datetime64(10**9 * 0, "ns").astype("datetime64[D]")
    assert main(["drift", "--since", str(since), "--folder", str(tmp_path / "none"), "--store", "none"]) == 0


def _first(stage):
    from b25.promote.version import find

    return find(stage / "strategies" / "live", "maker@1")


def _let_pass():
    from b25.promote.drift import DriftBounds

    return DriftBounds(decisions_max=5, turnover_bps_max=10_000.0)
