"""The books of the account in a live session: they follow it, hold what differs from the venue, and wait for a person."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from sqlalchemy import select

from b25.cli import main
from b25.cli.session_commands import account_lines
from b25.model.errors import Misuse
from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_FILLED, ORDER_REJECTED, SELL
from b25.model.order import EFFECT, Reason
from b25.risk.account_wide.policies import Policy, Weight
from b25.runner.account_watch import AccountWatch
from b25.session.account.policy_file import AccountPolicies, read_policies
from b25.session.limits_file import decided_by
from b25.session.resume import read_past
from b25.store.account_log import AccountLog
from b25.store.tables import intent
from tests.session.desk_stand import REST, TAKE, Does, Run, standing

KEY = b"\x25" * 8


class Watched(Run):
    """One life of a session whose account is watched."""

    def __init__(self, stand, folder, *, policies=None, **more):
        super().__init__(stand, folder, **more)
        self.watch = AccountWatch(policies or AccountPolicies(), self.said.append)
        self.gateway.prepare = self.attach
        self.url = f"sqlite:///{folder / 'b25.db'}"

    def attach(self, desk):
        self.watch.attach(desk, "main")
        self.watch.check.look_again_s = 0.05

    async def begin(self):
        await super().begin()
        self.gateway.decided = lambda effect: decided_by(effect, self.session.machine, KEY)
        self.gateway.desk.accompany(self.watch.run(self.session.machine))
        return self

    async def buys(self):
        """Take what the other account rests: 0.01."""
        self.heard.clear()
        (await self.stand.other.submit(self.stand.new(SELL))).must()
        await self.does(TAKE)
        await self.until(lambda: ORDER_FILLED in self.kinds)
        await self.does(0)
        self.watch.look()

    async def compared(self):
        """One whole comparison with the venue, between those that the desk makes by itself."""
        since_ns = self.watch.book.reconciled_ns
        await self.until(lambda: self.watch.book.reconciled_ns > since_ns)
        self.watch.look()

    @property
    def book(self):
        return self.watch.book

    @property
    def symbol(self):
        return self.instrument.symbol

    @property
    def holds(self):
        return self.gateway.desk.manager.holds.get(self.symbol, set())


def shifted(stand, quantity):
    """Have the venue tell of a position that no trade explains, as after a trade that its lists have lost."""
    real = stand.port.positions

    async def positions():
        outcome = await real()
        for symbol, one in list((outcome.value or {}).items()):
            outcome.value[symbol] = replace(one, qty=one.qty + Decimal(quantity))
        return outcome

    stand.port.positions = positions


def lived(case, folder):
    async def run():
        async with standing(folder) as stand:
            await case(stand)

    asyncio.run(run())


def asked(capsys, *words):
    assert main(["account", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_drift_holds_halts_and_is_released_by_a_signature_over_two_lives(tmp_path, capsys):
    async def case(stand):
        one = await Watched(stand, tmp_path).begin()
        await one.buys()
        await one.compared()
        assert (one.watch.standing(), one.holds, one.book.pending) == ("", set(), {})
        assert [alert.kind for alert in one.watch.told if alert.kind != "ADOPTED"] == []
        await one.does(REST, 39_990.0)
        await one.until(lambda: ORDER_ACCEPTED in one.kinds)
        shifted(stand, "0.004")
        await one.until(lambda: bool(one.book.pending))
        await one.until(lambda: not list(one.gateway.desk.manager.live()))  # what rests and would add risk is cancelled
        one.watch.look()
        assert "drift above 5 %" in one.watch.standing()
        assert "POSITION_DRIFT" in [alert.kind for alert in one.watch.told]
        (ref,) = one.book.pending
        one.heard.clear()
        await one.does(TAKE)
        await one.until(lambda: ORDER_REJECTED in one.kinds)
        assert int(one.heard[-1]["status"]) == Reason.SYMBOL_REDUCING
        facts = one.watch.facts()
        assert facts["pending"] == [ref]
        told = "\n".join(account_lines(facts))
        assert "b25 account adjust" in told
        assert "halted" in told
        await one.die()

        other = await Watched(stand, tmp_path, past=read_past(one.path, Does)).begin()
        other.watch.look()
        assert other.watch.standing()  # a new life does not end it
        assert other.holds
        assert list(other.book.pending) == [ref]
        words = ["--store", other.url, "--by", "ann", "--reason", "seen at the venue's page"]
        assert asked(capsys, "adjust", ref, *words)["result"] == "signed"
        await other.until(lambda: not other.book.pending)
        await other.compared()
        assert other.watch.standing()  # explained, and still halted until a person says so
        asked(capsys, "resume", *words)
        await other.until(lambda: not other.book.halted)
        other.watch.look()
        assert (other.watch.standing(), other.holds) == ("", set())
        assert other.watch.adjusted() == {other.symbol: "0.004"}
        (venue,) = (await stand.port.positions()).must().values()
        strategies = sum(int(cell.lots) for cell in other.book.account.cells.values())
        assert strategies == other.book.account.net[other.symbol].lots == other.instrument.lots(venue.qty)
        await other.buys()  # and it trades again
        await other.end()

    lived(case, tmp_path)


def test_a_manual_trade_belongs_to_nobody_and_the_sum_stays_the_venue_s(tmp_path):
    async def case(stand):
        one = await Watched(stand, tmp_path).begin()
        await one.buys()
        (await stand.other.submit(stand.new(SELL))).must()
        (await stand.port.submit(stand.new(BUY, client_id="by-hand"))).must()
        await one.until(lambda: "" in {name for name, _ in one.book.account.cells})
        await one.compared()
        lots = {name: int(cell.lots) for (name, _), cell in one.book.account.cells.items() if cell.lots}
        assert lots == {"Does": one.lots, "": one.instrument.lots("0.01")}
        assert one.book.account.net[one.symbol].lots == one.instrument.lots("0.02")
        assert "UNEXPECTED_FILL" in [alert.kind for alert in one.watch.told]
        assert one.watch.check.last.differences == []
        assert one.holds  # the order desk holds an instrument that others trade
        assert one.watch.adjusted() == {}
        await one.end()

    lived(case, tmp_path)


def test_funding_and_a_transfer_are_booked_and_are_no_drift(tmp_path):
    async def case(stand):
        one = await Watched(stand, tmp_path).begin()
        await one.buys()
        await one.compared()
        exchange, account = stand.port.exchange, stand.port.account
        equity = one.book.statement().equity
        exchange.deposit(account, "linear", "USDT", "-250000")
        (position,) = [one for one in account.linear.positions.values() if one.lots]
        exchange.linear_ledger.pay_funding(account, position, 10_000)
        await one.until(lambda: bool(one.book.account.funding) and ("TRANSFER" in {kind for kind, _ in one.book.account.seen}))
        await one.compared()
        assert one.watch.check.last.differences == []
        paid = Fraction(sum(one.book.account.funding.values()), 10**18)
        assert paid != 0
        assert abs(one.book.statement().equity - (equity - 250_000 + paid)) < 1  # but for the mark
        assert one.watch.standing() == one.watch.reducing == ""  # a withdrawal is no loss
        assert one.book.water.drawdown_max(one.book.statement().equity) < Fraction(1, 1_000)
        rows = AccountLog(one.gateway.store, stand.port.name, "main", now_ns=one.gateway.now_ns).entries("FUNDING")
        assert [row.symbol for row in rows] == [one.symbol]
        await one.end()

    lived(case, tmp_path)


def test_policies_reduce_and_stop_and_end_with_the_breach(tmp_path):
    policies = AccountPolicies(
        policies=(
            Policy(id="small", metric="gross", threshold=300.0),
            Policy(id="large", metric="gross", threshold=700.0, weight=Weight.EMERGENCY),
        )
    )

    async def case(stand):
        one = await Watched(stand, tmp_path, policies=policies).begin()
        await one.until(lambda: bool(one.watch.verdicts))
        assert (one.watch.reducing, one.watch.emergency) == ("", "")
        await one.buys()
        assert "small asks for lte 300" in one.watch.reducing
        assert one.watch.standing() == ""
        await one.buys()
        assert "large asks for lte 700" in one.watch.standing()
        intents = one.gateway.desk.log.store.rows(select(intent))
        assert {(row.code_hash, len(row.cfg_hash), row.parent_id) for row in intents} == {(KEY, 8, None)}
        await one.end()

    lived(case, tmp_path)


def test_a_child_s_intent_names_its_parent(tmp_path):
    async def case(stand):
        one = await Watched(stand, tmp_path).begin()
        effect = np.zeros(1, EFFECT)
        effect["parent"] = 7
        assert decided_by(effect[0], one.session.machine, KEY)["parent_id"] == 7
        await one.end()

    lived(case, tmp_path)


POLICIES = """
[[policy]]
id = "margin"
metric = "margin_usage"
threshold = 0.80

[[policy]]
id = "liquidation"
metric = "liquidation_distance"
require = "gte"
threshold = 0.05
weight = "emergency"

[margin."BTC/USDT:USDT"]
leverage = 20
tiers = [[0, 0.004], [50_000, 0.005]]
"""


def test_margin_and_the_distance_to_liquidation_are_judged_by_the_terms_of_a_file(tmp_path):
    path = tmp_path / "policies.toml"
    path.write_text(POLICIES)
    read = read_policies(path)
    tiers = read.terms["BTC/USDT:USDT"].tiers[0]
    assert tiers["cum"][1] == pytest.approx(50.0)  # 50,000 x (0.005 - 0.004): no jump where the tier begins

    async def case(stand):
        one = await Watched(stand, tmp_path, policies=read).begin()
        await one.buys()
        await one.compared()
        margin, liquidation = sorted(one.watch.verdicts, key=lambda verdict: verdict.policy.id == "liquidation")
        assert margin.value == pytest.approx(400 * 0.004 / 1_000_000, rel=0.01)
        assert (margin.holds, liquidation.holds) == (True, True)
        assert (one.watch.reducing, one.watch.standing()) == ("", "")
        await one.end()

    lived(case, tmp_path)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[policy]]\nid = 'a'\nmetric = 'luck'\nthreshold = 1", "luck"),
        ("[[policy]]\nid = 'a'\nmetric = 'gross'", "threshold"),
        ("[[policies]]\nid = 'a'", "not known"),
        ("[margin.X]\nleverage = 5\ntiers = [[1, 0.1]]", "the first from 0"),
        ("[margin.X]\nleverage = 5\ntiers = [[0, 0.2], [9, 0.1]]", "never fall"),
        ("not toml", "cannot be read"),
    ],
)
def test_a_file_that_says_what_is_not_known_is_refused(tmp_path, text, what):
    path = tmp_path / "policies.toml"
    path.write_text(text)
    with pytest.raises(Misuse, match=what):
        read_policies(path)


def test_margin_policies_without_terms_are_refused_before_anything_begins(tmp_path):
    async def case(stand):
        read = AccountPolicies(policies=(Policy(id="margin", metric="margin_usage", threshold=0.8),))
        with pytest.raises(Misuse, match="without margin terms"):
            read.check([stand.listing.instrument])

    lived(case, tmp_path)
