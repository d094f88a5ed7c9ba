"""Keep the trader's whole book during a replay: apply the rows of a message, level by level."""

from b25.engine.apply import apply_level
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.book import CLEAR_CROSSED, end_message, push_crossed, set_level
from b25.kernels.book_reads import best_of, is_price
from b25.kernels.jit import kernel, late_kernel
from b25.kernels.world import bits_of, books_of, far_of, lots_of
from b25.model.event import BUY, CLEAR, GAP, TRADE
from b25.model.tape import LEVEL_ROW
from b25.model.world import CONTEXT
from b25.venue.records import VENUE

SIGNATURE = "void(uintp, uintp, int64, int64)"


@kernel
def apply_kept(ctx, i, row):
    """Apply one row by the compatibility profile: crossed levels stay stored, also where a clear begins at the touch."""
    head, lots, bits, far = books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i)
    index = 0 if row["side"] == BUY else 1
    if row["kind"] == CLEAR:
        ticks = best_of(head, index)
        while is_price(ticks) and (ticks - row["price_ticks"]) * row["side"] >= 0:
            set_level(head, lots, bits, far, index, ticks, 0)
            ticks = best_of(head, index)
        return
    apply_level(ctx, i, row["kind"], row["side"], row["price_ticks"], row["qty_lots"])
    push_crossed(head, lots, bits, far, index)


@late_kernel(SIGNATURE)
def apply_levels(ctx_address, venue_address, i, row_end):
    """Rebuild the depth from the rows of a message, up to `row_end`."""
    ctx, venue = record_at(ctx_address, CONTEXT), record_at(venue_address, VENUE)
    rows = array_at(venue["levels"], venue["level_count"], LEVEL_ROW)
    for k in range(venue["level_next"], row_end):
        row = rows[k]
        if row["kind"] != TRADE and row["kind"] != GAP:
            if venue["crossed_kept"] != 0:
                apply_kept(ctx, i, row)
            else:
                apply_level(ctx, i, row["kind"], row["side"], row["price_ticks"], row["qty_lots"])
    venue["level_next"] = row_end
    end_message(books_of(ctx)[i], lots_of(ctx, i), bits_of(ctx, i), far_of(ctx, i), CLEAR_CROSSED)


deepen = calls(SIGNATURE, otherwise=apply_levels)
