"""What the store adds to an order's trace: when the intent was durable, what the venue said in which order, and the ledger."""

from __future__ import annotations

from dataclasses import replace

from b25.session.trace import Step, Trace, with_stored
from b25.store.order_history import events_of_order, fills_of_order, intent_of_order
from b25.store.store import Store

MS_NS = 1_000_000


def completed(trace: Trace, store: Store) -> Trace:
    """Return the trace with the store's part; as it is when the store never had the order, as of one that was refused."""
    row = intent_of_order(store, trace.order_id, trace.epoch, trace.seq)
    if row is None:
        return trace
    coid = str(row["coid"])
    steps = [Step(name="stored", at_ns=int(row["ts_ns"]), facts={"client_id": coid, "epoch": row["epoch"]})]
    for event in events_of_order(store, coid):
        venue_ns = int(event["venue_ts_ms"] or 0) * MS_NS
        facts = {
            name: event[name] for name in ("status", "src", "cum_qty", "venue_oid", "code", "msg") if event[name] is not None
        }
        step = Step(name=f"order {str(event['status']).lower()}", at_ns=int(event["ts_ns"]), facts=facts)
        steps.append(replace(step, began_ns=venue_ns, clock="venue") if venue_ns else step)
    made = with_stored(trace, steps)
    ledger = []
    for fill, legs in fills_of_order(store, coid):
        # A booking is made in one transaction with its fill, which has no time of ours: it stands after all that has.
        at_ns = max(step.at_ns for step in made.steps)
        booked = [{"asset": leg["asset"], "account": leg["account"], "amount": leg["amount"]} for leg in legs]
        facts = {"trade_id": fill["trade_id"], "qty": fill["qty"], "price": fill["price"], "fee": fill["fee"], "legs": booked}
        ledger.append(Step(name="ledger", at_ns=at_ns, began_ns=int(fill["venue_ts_ms"]) * MS_NS, clock="venue", facts=facts))
    return with_stored(made, ledger)
