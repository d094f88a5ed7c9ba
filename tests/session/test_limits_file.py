"""Limits from a file: the tightest of its scopes and of what is given beside it; proven before they are traded under."""

import json
from functools import partial

import numpy as np
import pytest

import b25
from b25.model.errors import Halt, Misuse
from b25.model.order import Reason
from b25.model.world import LIMITS
from b25.risk import selftest as selftest_file
from b25.session import limits_file
from b25.session.commands import Command
from b25.session.limits_file import decision_of, prove, read_limits
from b25.session.session import Session
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, Quoter, composed, snapshot

TEXT = f"""
version = 7
[account]
daily_loss_max = 100.0
orders_per_s_max = 20
[strategy.Quoter]
position_max = 2.0
[symbol."{ETH.symbol}"]
position_max = 1.0
collar = 0.05
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text(TEXT)
    return path


def test_the_tightest_scope_holds_and_an_option_only_tightens(path):
    found = read_limits(path, b25.Limits(orders_per_s_max=5, daily_loss_max=500.0))
    limits = found.limits(ETH.symbol, "Quoter")
    assert (limits.position_max, limits.orders_per_s_max, limits.daily_loss_max) == (1.0, 5, 100.0)
    assert found.version == 7
    assert read_limits(None, b25.Limits(position_max=3.0)).limits(ETH.symbol, "").position_max == 3.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[account", "cannot be read"),
        ("[acount]\nposition_max = 1", "did you mean 'account'"),
        ("[account]\nposition_mx = 1", "position_max"),
        ("[account]\nposition_max = -1", "positive"),
        ("[account]\nposition_max = 'x'", "number"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path, text, why):
    path = tmp_path / "limits.toml"
    path.write_text(text)
    with pytest.raises(Misuse) as caught:
        read_limits(path)
    assert why in str(caught.value)
    with pytest.raises(Misuse, match="cannot be read"):
        read_limits(tmp_path / "none.toml")


def test_the_proof_names_what_was_tried_and_a_gate_that_fails_halts(path, monkeypatch):
    rows = read_limits(path).records([ETH], "Quoter")
    proof = prove(rows, [ETH], [2_500.0], 10_000.0)
    assert proof["limits_version"] == 7
    assert {"daily_loss_max", "collar_e6", "position_lots_max"} <= set(proof["tried"])
    assert json.dumps(proof)

    def broken(rows, instruments, prices, make):
        return selftest_file.selftest(rows, instruments, prices, lambda limits: make(_without_collar(limits)))

    monkeypatch.setattr(limits_file, "selftest", broken)
    with pytest.raises(Halt, match="failed its self-test"):
        prove(rows, [ETH], [2_500.0], 10_000.0)


def _without_collar(limits):
    limits["collar_e6"] = -1
    return limits


def test_the_decision_on_an_intent_names_the_limits_that_it_was_judged_by(path, tmp_path):
    rows = read_limits(path, b25.Limits(order_value_max=0.1)).records([ETH], "Quoter").astype(LIMITS)
    for name, limits in (("refused", rows), ("approved", read_limits(path).records([ETH], "Quoter").astype(LIMITS))):
        told = []
        session = Session(composed(cls=Quoter, limits=limits), tmp_path / f"{name}.journal", lambda rows: None)
        session.watch = partial(_decide, session, told)
        session.command(Command.START, SECOND_NS)
        session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
        assert told[0]["verdict"] == name
        assert told[0]["limits_version"] == 7
        assert told[0]["limits_hash"] == f"{int(np.uint64(limits['hash'][0].astype(np.int64))):016x}"
        if name == "refused":
            assert told[0]["broken"] == ["order_value"]
            assert told[0]["reason"] == Reason.ORDER_VALUE_LIMIT
        session.close("done")


def _decide(session, told, rows):
    told.extend(json.loads(decision_of(row, session.machine)) for row in rows)
