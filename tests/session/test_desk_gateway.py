"""A session on the order desk: what it asks for is stored, sent and told; what it did not hear of is found and told once."""

import asyncio

import pytest

from b25.execution.orders.identity import Identity, client_id
from b25.model.event import (
    CANCEL_REJECTED,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_TRIGGERED,
    REPLACE_REJECTED,
    SELL,
)
from b25.model.order import Reason
from b25.session.commands import Command
from b25.session.resume import read_past
from b25.store.journal import EVENTS, Reading
from b25.store.leases import release_lease, take_lease
from tests.session.desk_stand import AMEND, CANCEL, REST, SELL_REST, STOP, TAKE, Does, Run, play, standing


def test_an_order_rests_is_changed_trades_and_is_cancelled(tmp_path):
    async def case(one):
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_ACCEPTED)
        await one.does(AMEND, 40_000.0)
        await one.hears(ORDER_ACCEPTED, ORDER_REPLACED)
        assert int(one.heard[-1]["qty_lots"]) == one.instrument.lots("0.03")
        await one.stand.other.submit(one.stand.new(SELL))
        await one.hears(ORDER_ACCEPTED, ORDER_REPLACED, ORDER_FILLED)
        await one.does(CANCEL)
        await one.hears(ORDER_ACCEPTED, ORDER_REPLACED, ORDER_FILLED, ORDER_CANCELLED)
        assert int(one.heard[-1]["status"]) == Reason.CANCEL_REQUESTED
        assert one.lots == one.instrument.lots("0.01")
        assert (await one.end())[0] == []

    play(case, tmp_path)


def test_a_stop_is_told_when_it_is_triggered_and_when_it_trades(tmp_path):
    async def case(one):
        await one.stand.traded()  # a price to begin with
        await one.until(lambda: one.said)
        one.gateway.desk.manager.holds.clear()
        await one.does(STOP, 40_050.0)
        await one.hears(ORDER_ACCEPTED)
        ticks = one.instrument.ticks("40060")
        await one.stand.other.submit(one.stand.new(SELL, price_ticks=ticks, qty_lots=one.stand.lots * 3))
        await one.stand.port.submit(one.stand.new(price_ticks=ticks))
        await one.until(lambda: ORDER_FILLED in one.kinds)
        assert one.kinds == [ORDER_ACCEPTED, ORDER_TRIGGERED, ORDER_FILLED]
        assert one.session.machine.live_orders == 0
        await one.end()

    play(case, tmp_path)


def test_spot_changes_nothing_in_place(tmp_path):
    async def case(one):
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_ACCEPTED)
        await one.does(AMEND, 40_000.0)
        await one.hears(ORDER_ACCEPTED, REPLACE_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.NOT_SUPPORTED
        assert (await one.end())[1]["halt"] is None

    play(case, tmp_path, "spot")


def test_what_must_not_leave_is_refused_truly_and_never_stored(tmp_path):
    async def case(one):
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.STOPPED
        assert (await one.stand.port.open_orders()).must() == []
        assert one.gateway.desk.manager.orders == {}
        one.refusal = ""
        one.gateway.desk.manager.holds[one.instrument.symbol] = {"somebody looks"}
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_REJECTED, ORDER_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.SYMBOL_REDUCING
        await one.end()

    play(case, tmp_path, refusal="the kill switch is latched")


def test_a_fenced_session_leaves_the_orders_to_whoever_took_the_account(tmp_path):
    async def case(one):
        ended = []
        one.gateway.on_fenced = ended.append
        await one.does(REST, 39_999.0)
        await one.hears(ORDER_ACCEPTED)
        take_lease(one.gateway.store, "main", "one", now_ms=0, next_epoch=lambda stored: stored + 1)
        await one.does(REST, 39_998.0)
        await one.hears(ORDER_ACCEPTED, ORDER_REJECTED)
        assert int(one.heard[-1]["status"]) == Reason.STOPPED
        assert ended == ["another process has taken the account"]
        await one.does(CANCEL)
        await one.hears(ORDER_ACCEPTED, ORDER_REJECTED)  # the gate knows no such order; nothing is sent
        assert await one.gateway.pull_all() == []
        assert len((await one.stand.port.open_orders()).must()) == 1
        await one.end()

    play(case, tmp_path)


@pytest.mark.parametrize("kind", [ORDER_ACCEPTED, ORDER_FILLED, ORDER_CANCELLED])
def test_an_event_that_never_reached_the_session_is_found_and_told_once(kind, tmp_path):
    async def case(one):
        one.drops = {kind}
        await one.does(REST, 40_000.0)
        await one.until(lambda: ORDER_ACCEPTED in one.kinds)
        await one.stand.other.submit(one.stand.new(SELL))
        await one.until(lambda: ORDER_FILLED in one.kinds)
        await one.does(CANCEL)
        await one.until(lambda: one.session.machine.live_orders == 0)
        assert len(one.lost) == 1
        assert sorted(one.kinds) == sorted([ORDER_ACCEPTED, ORDER_FILLED, ORDER_CANCELLED])
        assert one.lots == one.instrument.lots("0.01")
        assert one.gateway.counts.healed >= 1
        await one.end()

    play(case, tmp_path)


def test_a_resumed_session_hears_what_happened_while_it_was_dead(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await one.does(REST, 39_999.0)
            await one.hears(ORDER_ACCEPTED)
            await one.does(SELL_REST, 40_001.0)
            await one.hears(ORDER_ACCEPTED, ORDER_ACCEPTED)
            await one.die()
            await stand.other.submit(
                stand.new(SELL, price_ticks=stand.listing.instrument.ticks("39999"), qty_lots=stand.lots * 2)
            )
            await stand.port.cancel_all(stand.symbol)
            past = read_past(one.path, Does)
            assert (past.is_over, past.is_started, len(past.submitted)) == (False, True, 2)
            other = await Run(stand, tmp_path, past=past).begin()
            await other.hears(ORDER_FILLED, ORDER_CANCELLED)
            assert other.lots == stand.listing.instrument.lots("0.02")
            assert other.session.machine.live_orders == 0
            await other.end()

    asyncio.run(run())


def test_what_was_decided_and_never_stored_is_refused_and_never_sent(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            one.session.act = lambda effects: None  # it dies between its journal and its store
            await one.does(REST, 39_999.0)
            await one.die()
            other = await Run(stand, tmp_path, past=read_past(one.path, Does)).begin()
            await other.hears(ORDER_REJECTED)
            assert int(other.heard[0]["status"]) == Reason.STOPPED
            assert (await stand.port.all_orders(stand.symbol)).must() == []
            await other.end()

    asyncio.run(run())


def test_the_effects_of_the_last_event_are_written_by_the_next_life(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            one.session.journal.effects = lambda seq, rows: None  # killed before they were written
            one.session.act = lambda effects: None
            await one.does(REST, 39_999.0)
            await one.die()
            past = read_past(one.path, Does)
            assert past.unwritten
            other = await Run(stand, tmp_path, past=past).begin()
            await other.hears(ORDER_REJECTED)
            await other.end()

    asyncio.run(run())


def test_a_new_session_begins_with_what_the_strategy_holds(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await stand.other.submit(stand.new(SELL))
            await one.does(TAKE)
            await one.until(lambda: ORDER_FILLED in one.kinds)
            await one.end()
            held = one.session.machine.world.positions[0].copy()
            two = await Run(stand, tmp_path, name="two").begin()
            found = two.session.machine.world.positions[0]
            for name in ("position_lots", "cash", "cost", "realised", "fees", "fees_e8", "fills"):
                assert found[name] == held[name], name
            await two.end()

    asyncio.run(run())


def test_an_order_of_an_earlier_session_is_cancelled_by_the_next_and_its_fill_counts(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await one.does(REST, 40_000.0)
            await one.hears(ORDER_ACCEPTED)
            release_lease(one.gateway.store, one.gateway.desk.log.lease)  # as if it had run out
            await one.die()
            await stand.other.submit(stand.new(SELL))
            two = await Run(stand, tmp_path, name="two").begin()
            assert two.lots == two.instrument.lots("0.01")
            await two.until(lambda: not list(two.gateway.desk.manager.live()))
            assert (await stand.port.open_orders()).must() == []
            await two.end()

    asyncio.run(run())


def test_the_journal_of_a_resumed_session_has_one_beginning(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            one = await Run(stand, tmp_path).begin()
            await one.die()
            other = await Run(stand, tmp_path, past=read_past(one.path, Does)).begin()
            await other.end()
            starts = [
                event
                for record in Reading(one.path)
                if record.kind == EVENTS
                for event in record.events
                if event["kind"] == 17 and event["status"] == Command.START
            ]
            assert len(starts) == 1
            assert CANCEL_REJECTED not in other.kinds

    asyncio.run(run())


def test_an_epoch_that_the_venue_has_seen_is_never_used_again(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            lost = client_id(Identity(0, 0, 40_000, 7), stand.port.abilities.client_id_pattern)
            (await stand.port.submit(stand.new(client_id=lost))).must()
            await stand.port.cancel_all(stand.symbol)
            one = await Run(stand, tmp_path).begin()  # with a store that knows nothing of it
            assert one.gateway.epoch > 40_000
            await one.end()

    asyncio.run(run())


def test_an_order_of_somebody_else_holds_the_instrument_while_it_is_there_and_is_left_alone(tmp_path):
    async def run():
        async with standing(tmp_path) as stand:
            theirs = (await stand.port.submit(stand.new(price_ticks=stand.ticks - 100))).must()
            one = await Run(stand, tmp_path).begin()
            await one.does(REST, 39_999.0)
            await one.hears(ORDER_REJECTED)
            assert any("is not ours" in text for text in one.said)
            await one.gateway.pull_all()
            assert [report.client_id for report in (await stand.port.open_orders()).must()] == [theirs.client_id]
            await one.end()
            two = await Run(stand, tmp_path, name="two").begin()
            await stand.port.cancel_all(stand.symbol)
            await two.until(lambda: not two.gateway.desk.manager.holds)
            await two.does(REST, 39_999.0)
            await two.hears(ORDER_ACCEPTED)
            await two.end()

    asyncio.run(run())
