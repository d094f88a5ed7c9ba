"""The simulated venue's kernels driven one request and one row at a time, answering in the words of the naive twin."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from b25.market.tape import parity_tape
from b25.model.event import (
    CANCEL_REJECTED,
    MAKER,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    ORDER_TRIGGERED,
    REPLACE_REJECTED,
)
from b25.model.instrument import Instrument
from b25.model.order import AMEND, CANCEL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT, Reason, Tif
from b25.venue.arrival import handle_request
from b25.venue.models import ConstantLatency, Fees, Models, Queue
from b25.venue.records import REQUEST
from b25.venue.replay import replay_rows
from b25.venue.simulated import SimulatedVenue
from tests.engine.naive_partial import Answer
from tests.engine.runs import ETH, Row, rows_of

WORDS = {
    ORDER_ACCEPTED: "accepted",
    ORDER_REPLACED: "replaced",
    ORDER_EXPIRED: "expired",
    ORDER_CANCELLED: "cancelled",
    ORDER_REJECTED: "rejected",
    CANCEL_REJECTED: "cancel rejected",
    REPLACE_REJECTED: "replace rejected",
    ORDER_TRIGGERED: "triggered",
}


class DirectVenue:
    """A venue whose rows are known beforehand; `show` replays those of a time, the rest asks for things.

    Parameters
    ----------
    rows : sequence of Row
        In order of their venue time.
    """

    def __init__(self, rows: Sequence[Row], *, queue: str, fills: str = "partial", instrument: Instrument = ETH) -> None:
        self.tape = parity_tape(instrument, rows_of(rows))
        models = Models(fees=Fees(), latency=ConstantLatency(0), queue=Queue(queue), fills=fills)
        tape = self.tape
        self.venue = SimulatedVenue(
            tape.venue,
            tape.messages,
            tape.levels,
            base_ticks=tape.base_ticks,
            size_ticks=tape.size_ticks,
            crossed_kept=True,
            models=models,
        )
        self.record = self.venue.record[0]
        self.instrument, self.fees = instrument.record()[0], models.fees.record(instrument)[0]
        self.latency = models.latency.record()[0]
        self.totals: dict[int, int] = defaultdict(int)

    def show(self, now_ns: int) -> list[Answer]:
        """Replay every row up to and including a time."""
        rows = self.tape.venue
        while self.record["row_next"] < rows.size and rows[self.record["row_next"]]["exch_ns"] <= now_ns:
            replay_rows(self.record, self.instrument, self.fees, self.latency, now_ns, 1_000)
        answers = self.answers()
        # A stop that has fired is a request ahead of all others.
        while self.record["request_head"] < self.record["request_tail"]:
            request = self.venue.requests[self.record["request_head"] % self.record["pipe_size"]]
            handle_request(self.record, self.instrument, self.fees, self.latency, request)
            self.record["request_head"] += 1
            answers += self.answers()
        return answers

    def submit(
        self,
        order_id: int,
        side: int,
        ticks: int | None,
        lots: int,
        *,
        tif: str = "GTC",
        post_only: bool = False,
        reduce_only: bool = False,
        stop: int = 0,
    ) -> list[Answer]:
        flags = POST_ONLY * post_only | REDUCE_ONLY * reduce_only | MARKET * (ticks is None)
        return self.ask(SUBMIT, order_id, side, ticks or 0, lots, int(Tif[tif]), flags, stop)

    def cancel(self, order_id: int) -> list[Answer]:
        return self.ask(CANCEL, order_id)

    def amend(self, order_id: int, ticks: int, lots: int) -> list[Answer]:
        return self.ask(AMEND, order_id, 0, ticks, lots)

    def ask(
        self, kind: int, order_id: int, side: int = 0, ticks: int = 0, lots: int = 0, tif: int = 0, flags: int = 0, stop: int = 0
    ) -> Any:
        request = np.zeros(1, REQUEST)[0]
        request["stop_ticks"] = stop
        request["kind"], request["order_id"], request["side"] = kind, order_id, side
        request["price_ticks"], request["qty_lots"], request["tif"], request["flags"] = ticks, lots, tif, flags
        handle_request(self.record, self.instrument, self.fees, self.latency, request)
        return self.answers()

    def answers(self) -> list[Answer]:
        """Take the answers that have left, as the twin words them."""
        taken = []
        while self.record["answer_head"] < self.record["answer_tail"]:
            taken.append(self.worded(self.venue.answers[self.record["answer_head"] % self.record["pipe_size"]]))
            self.record["answer_head"] += 1
        return taken

    def worded(self, event: np.void) -> Answer:
        kind, order_id, lots = int(event["kind"]), int(event["order_id"]), int(event["qty_lots"])
        if kind == ORDER_FILLED:
            self.totals[order_id] += lots
            return "filled", order_id, int(event["price_ticks"]), lots, event["flags"] & MAKER != 0, self.totals[order_id]
        word = WORDS[kind]
        if kind in (ORDER_ACCEPTED, ORDER_REPLACED, ORDER_TRIGGERED):
            return word, order_id
        if kind in (ORDER_EXPIRED, ORDER_CANCELLED):
            return word, order_id, lots, Reason(int(event["status"]))
        return word, order_id, Reason(int(event["status"]))

    def resting(self) -> list[tuple[int, int, int, float]]:
        """(order id, ticks, leaves, quantity ahead) of all that rests, buys first, each side in order of arrival."""
        found = []
        for side in ("buys", "sells"):
            slot = int(self.record[side]["first"]) if self.record[side]["count"] else -1
            while slot >= 0:
                order = self.venue.orders[slot]
                found.append(
                    (int(order["order_id"]), int(order["price_ticks"]), int(order["leaves_lots"]), float(order["front"]))
                )
                slot = int(order["next"])
        return found
