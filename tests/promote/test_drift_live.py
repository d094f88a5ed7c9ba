"""Sessions in time, on paper and live on loopback: every decision comes again, and every difference has a cause."""

import asyncio

import pytest

from b25.promote.drift import DriftState, session_drift
from b25.promote.live_replay import open_session
from b25.promote.version import load
from b25.runner.live_session import live
from tests.conftest import ROOT
from tests.promote.makers import frozen
from tests.runner import test_live_session as sessions

venue = sessions.venue


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    where = f"{ROOT / 'strategies' / 'market_maker.py'}:MarketMaker"
    return frozen(folder / "live", folder / "secrets", where, params=sessions.PARAMS), folder


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_clean_session_has_no_drift_that_has_no_cause(venue, version, tmp_path, mode):
    made, folder = version
    more = {"cls": load(made, folder / "secrets")}
    if mode == "live":
        more["port"] = sessions.port_of(venue, sessions.account_of(venue, f"drift-{mode}")[1])
    plan = sessions.plan_of(venue, tmp_path, mode, **more)
    said = []
    facts = asyncio.run(live(plan, said.append, sessions.until(sessions.has_filled)))
    assert facts["halt"] is None, said
    found = session_drift(plan.journal, root=folder / "live", secrets_folder=folder / "secrets")
    print(found)  # what a person reads when this fails
    assert found.version == made.reference
    assert found.state in (DriftState.NONE, DriftState.EXPLAINED)
    assert found.market.orders > 0
    assert found.market.fills > 0
    assert not found.market.why_not
    run = open_session(str(plan.journal), root=folder / "live").replay()
    assert run.until(code="order_filled") is not None
    assert run.why(run.moment.event["order_id"]).moment.decided[0]["kind"] == "submit"
