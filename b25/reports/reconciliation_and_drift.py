"""Whether our books are the venue's, whether the session did what its version does, and what of both is still open."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import Final

import polars as pl

from b25.analytics.sheet_tables import table
from b25.reports import page, tables
from b25.reports.exact import total
from b25.reports.page import Figure, Section, amount
from b25.reports.records import Records

IN_DOUBT: Final = ("unknown", "unknown_cancel", "lost")
OPEN: Final = ("open", "held", "unexplained", "differs")


class ReconciliationAndDrift:
    """Sections of the report.

    Parameters
    ----------
    records : Records
        As opened by `sources.open_source`.
    """

    def __init__(self, records: Records) -> None:
        self.records = records

    def head(self) -> Section:
        """Mode, span, freshness, and what must be known first."""
        return page.head(self.records)

    def headline(self) -> Section:
        """The figures that matter."""
        found = self.records
        different = [one for one in found.reconciliations if one.state != "agrees"]
        open_ = sum(1 for one in found.reconciliations if one.state in OPEN)
        left = tables.unexplained(found)
        doubt = found.orders.filter(pl.col("state").is_in(IN_DOUBT)).height
        why_not = found.absent.get("reconciliations", "")
        no_drift = "" if found.drift else found.absent.get("drift", "no drift check was run for this span")
        figures = [
            Figure(name="differences", title="Differences from the venue", value=None if why_not else len(different),
                   reason=why_not),
            Figure(name="differences_open", title="Of them open", value=None if why_not else open_, reason=why_not),
            Figure(name="orders_in_doubt", title="Orders in doubt", value=doubt),
            Figure(name="money_unexplained", title="Money not explained", value=left, unit=found.currency,
                   reason="" if left is not None else found.absent.get("profits", "a price or a statement is missing")),
            Figure(name="drift", title="Drift", value=None if no_drift else found.drift[-1].state, reason=no_drift),
        ]  # fmt: skip
        return page.headline(figures)

    def money(self) -> Section:
        """Whether the parts of the profit add up to the account's change."""
        if not self.records.profits:
            return Section(page.absent(self.records, "profits", "There was nothing to add up: no position and no fill."))
        return Section(tables.proof(self.records) + tables.profit_rows(self.records))

    def books(self) -> Section:
        """Fills against positions and fees against the ledger, instrument by instrument."""
        found = self.records
        if not found.fills.height:
            return Section(page.why("No fill in this span: positions are what they were."))
        rows = []
        for symbol in sorted({one.symbol for one in found.profits} | set(found.fills["symbol"].to_list())):
            mine = found.fills.filter(pl.col("symbol") == symbol)
            net = total(mine.select((pl.col("side") * pl.col("quantity")).alias("n"))["n"])
            paid = total(mine["fee"])
            booked = sum((one.fees for one in found.profits if one.symbol == symbol), Decimal(0))
            held = sum((one.quantity for one in found.held if one.symbol == symbol), Decimal(0))
            same = abs(paid - booked) < Decimal("1e-9")
            state = (
                '<span class="ok">agree</span>' if same else f'<span class="bad">differ by {escape(str(paid - booked))}</span>'
            )
            rows.append((escape(symbol), f"{mine.height:,}", amount(net), amount(held), amount(paid), amount(booked), state))
        head = ("Instrument", "Fills", "Net of the fills", "Held at the end", "Fees of the fills", "Fees in the ledger", "Fees")
        note = "Held less the net of the fills is what was held at the start."
        return Section(table(head, rows, right=range(1, 6)) + page.why(note))

    def differences(self) -> Section:
        """What differed from the venue, and what was done about it."""
        found = self.records
        if not found.reconciliations:
            return Section(page.absent(found, "reconciliations", "Every comparison with the venue agreed."))
        return Section(page.happenings(found.reconciliations))

    def doubt(self) -> Section:
        """Orders whose state is not proven."""
        orders = self.records.orders.filter(pl.col("state").is_in(IN_DOUBT))
        if not orders.height:
            return Section(page.why("No order is in doubt."))
        rows = [
            (escape(row["order"]), escape(row["symbol"]), tables.SIDES.get(row["side"], "?"), amount(row["quantity"]),
             escape(row["state"]), escape(row["reason"]))
            for row in orders.head(tables.ROWS_SHOWN).iter_rows(named=True)
        ]  # fmt: skip
        left = orders.height - len(rows)
        note = page.why(f"{left:,} more are not shown.") if left else ""
        return Section(table(("Order", "Instrument", "Side", "Quantity", "State", "What was said"), rows, right=(3,)) + note)

    def drift(self) -> Section:
        """Live against a replay of the same inputs, and against a backtest."""
        found = self.records
        if not found.drift:
            note = found.absent.get("drift", "no drift check was run for this span")
            return Section(page.why(f"Drift is not known: {note}."))
        return Section(page.happenings(found.drift))
