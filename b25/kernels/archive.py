"""Raw rows into the archive's two arrays, on the instrument's grid, with the venue's chain checked on the way."""

import numpy as np

from b25.kernels.bridging import RECENT, continues, is_repeated
from b25.kernels.jit import hot_kernel
from b25.model.event import BBO, CLEAR, DEPTH, GAP, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, PRICE_TICKS_MAX, SNAPSHOT, TRADE

NS_PER_S = 1_000_000_000
STALE_NS = 2 * NS_PER_S  # without a diff for longer than this, the book was stale

# What is learned on the way through the rows. Times are of the venue unless they say otherwise.
SURVEY = np.dtype(
    [
        ("l2_rows", "i8"),
        ("bbo_rows", "i8"),
        ("off_grid", "i8"),
        ("too_high", "i8"),
        ("last_id", "i8"),  # end of the diffs' chain; -1 before the first
        ("gaps", "i8"),
        ("repeated_diffs", "i8"),
        ("repeated_trades", "i8"),
        ("newest_trade", "i8"),
        ("trades", "i8"),
        ("first_ns", "i8"),
        ("last_ns", "i8"),
        ("first_recv_ns", "i8"),
        ("last_recv_ns", "i8"),
        ("latency_ns_min", "i8"),
        ("diff_ns", "i8"),  # newest diff
        ("trade_ns", "i8"),
        ("recv_backwards", "i8"),  # messages received before the one before them
        ("exch_backwards", "i8"),  # diffs or trades earlier at the venue than the one of their kind before
        ("stale", "i8"),  # stretches without a diff
        ("stale_ns_max", "i8"),
    ],
    align=True,
)


@hot_kernel
def archive_rows(raw, rule, price_div, qty_div, survey, recent, l2, bbo):
    """Append raw rows to the archive arrays.

    Parameters
    ----------
    raw : ndarray of RAW_ROW
        In file order.
    rule : int
        BY_PREVIOUS or BY_FIRST.
    price_div, qty_div : int
        Raw steps per tick and per lot.
    survey : SURVEY record
        Carried from call to call; see `begin_survey`.
    recent : ndarray of int64, shape (RECENT,)
        Latest trade ids.
    l2, bbo : ndarray of ROW
        With room for all rows, and in `l2` one gap row per diff.
    """
    first = True
    for i in range(raw.shape[0]):
        kind = raw[i]["kind"]
        if kind == BBO:
            _copy(raw[i], bbo, survey["bbo_rows"], price_div, qty_div, survey)
            survey["bbo_rows"] += 1
            continue
        if first:
            _begin_message(raw[i], rule, survey, recent, l2)
        _copy(raw[i], l2, survey["l2_rows"], price_div, qty_div, survey)
        survey["l2_rows"] += 1
        first = raw[i]["flags"] & LAST_OF_MESSAGE != 0


@hot_kernel
def begin_survey(survey, last_id):
    """Set a zeroed survey to its start; `last_id` continues an earlier capture's chain, -1 begins one."""
    survey["last_id"] = last_id
    survey["newest_trade"] = -1
    survey["latency_ns_min"] = 2**62


@hot_kernel
def _begin_message(row, rule, survey, recent, l2):
    exch_ns, recv_ns = row["exch_ns"], row["recv_ns"]
    if survey["l2_rows"] == 0:
        survey["first_ns"] = survey["last_ns"] = exch_ns
        survey["first_recv_ns"] = survey["last_recv_ns"] = recv_ns
    if recv_ns < survey["last_recv_ns"]:
        survey["recv_backwards"] += 1
    survey["first_ns"] = min(survey["first_ns"], exch_ns)
    survey["last_ns"] = max(survey["last_ns"], exch_ns)
    survey["first_recv_ns"] = min(survey["first_recv_ns"], recv_ns)
    survey["last_recv_ns"] = max(survey["last_recv_ns"], recv_ns)
    survey["latency_ns_min"] = min(survey["latency_ns_min"], recv_ns - exch_ns)
    if row["kind"] == DEPTH:
        _begin_diff(row, rule, survey, l2)
    elif row["kind"] == TRADE:
        if exch_ns < survey["trade_ns"]:
            survey["exch_backwards"] += 1
        survey["trade_ns"] = max(survey["trade_ns"], exch_ns)
        if is_repeated(row["last_id"], survey["newest_trade"], recent):
            survey["repeated_trades"] += 1
        recent[survey["trades"] % RECENT] = row["last_id"]
        survey["trades"] += 1
        survey["newest_trade"] = max(survey["newest_trade"], row["last_id"])


@hot_kernel
def _begin_diff(row, rule, survey, l2):
    exch_ns = row["exch_ns"]
    if exch_ns < survey["diff_ns"]:
        survey["exch_backwards"] += 1
    elif survey["diff_ns"] > 0 and exch_ns - survey["diff_ns"] > STALE_NS:
        survey["stale"] += 1
        survey["stale_ns_max"] = max(survey["stale_ns_max"], exch_ns - survey["diff_ns"])
    survey["diff_ns"] = max(survey["diff_ns"], exch_ns)
    if survey["last_id"] >= 0 and row["last_id"] <= survey["last_id"]:
        survey["repeated_diffs"] += 1
        return
    if survey["last_id"] >= 0 and not continues(row["first_id"], row["prev_id"], survey["last_id"], rule):
        survey["gaps"] += 1
        at = np.uintp(survey["l2_rows"])
        survey["l2_rows"] += 1
        l2[at]["exch_ns"], l2[at]["recv_ns"] = exch_ns, row["recv_ns"]
        l2[at]["first_id"], l2[at]["last_id"], l2[at]["prev_id"] = survey["last_id"] + 1, row["first_id"] - 1, survey["last_id"]
        l2[at]["qty_lots"], l2[at]["price_ticks"] = 0, 0
        l2[at]["kind"], l2[at]["side"], l2[at]["flags"], l2[at]["pad"] = GAP, 0, 0, 0
    survey["last_id"] = row["last_id"]


@hot_kernel
def _copy(row, out, place, price_div, qty_div, survey):
    at = np.uintp(place)
    price, qty = row["price"], row["qty"]
    if price < 0:
        price = NO_BID_TICKS if row["side"] > 0 else NO_ASK_TICKS
    else:
        if price_div != 1:
            whole = price // price_div
            survey["off_grid"] += whole * price_div != price
            price = whole
        if price > PRICE_TICKS_MAX:
            survey["too_high"] += 1
            price = PRICE_TICKS_MAX
    if qty_div != 1:
        whole = qty // qty_div
        survey["off_grid"] += whole * qty_div != qty
        qty = whole
    out[at]["exch_ns"] = row["exch_ns"]
    out[at]["recv_ns"] = row["recv_ns"]
    out[at]["first_id"] = row["first_id"]
    out[at]["last_id"] = row["last_id"]
    out[at]["prev_id"] = row["prev_id"]
    out[at]["qty_lots"] = qty
    out[at]["price_ticks"] = price
    out[at]["kind"] = row["kind"]
    out[at]["side"] = row["side"]
    out[at]["flags"] = row["flags"]
    out[at]["pad"] = 0


@hot_kernel
def trailing_zeros(raw, price_zeros, qty_zeros):
    """Count, over depth, snapshot and trade rows, how many decimal zeros prices and quantities end with.

    Parameters
    ----------
    raw : ndarray of RAW_ROW
    price_zeros, qty_zeros : ndarray of int64, shape (19,)
        Histograms, added to. Quantities of 0 are left out.
    """
    for i in range(raw.shape[0]):
        kind = raw[i]["kind"]
        if kind in (CLEAR, BBO):
            continue
        price_zeros[_zeros(raw[i]["price"])] += 1
        if raw[i]["qty"] > 0:
            qty_zeros[_zeros(raw[i]["qty"])] += 1


@hot_kernel
def _zeros(value):
    zeros = 0
    while zeros < 18 and value % 10 == 0:
        value //= 10
        zeros += 1
    return zeros


@hot_kernel
def fitting(raw, step):
    """How many prices of depth, snapshot and trade rows are multiples of `step`, and how many prices there are."""
    fit, count = 0, 0
    for i in range(raw.shape[0]):
        kind = raw[i]["kind"]
        if kind in (DEPTH, SNAPSHOT, TRADE):
            count += 1
            fit += raw[i]["price"] % step == 0
    return fit, count
