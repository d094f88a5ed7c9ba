"""Archive rows are the messages on the instrument's grid, with a gap row exactly where the venue's chain is broken."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.kernels.archive import STALE_NS, SURVEY, archive_rows, begin_survey, fitting, trailing_zeros
from b25.kernels.bridging import BY_FIRST, BY_PREVIOUS, RECENT
from b25.model.event import BBO, BUY, CLEAR, DEPTH, GAP, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, ROW, SELL, SNAPSHOT, TRADE
from b25.model.message import RAW_ROW

PRICE_DIV, QTY_DIV = 10, 100


@st.composite
def messages(draw):
    """Messages as dicts: kind, times, ids, rows of (side, price, quantity) in raw units."""
    found, last, exch, recv = [], 100, 10**9, 10**9
    for _ in range(draw(st.integers(0, 15))):
        exch += draw(st.sampled_from([0, 5, 1000, STALE_NS + 1, -3]))
        recv += draw(st.sampled_from([0, 5, 1000, -2]))
        kind = draw(st.sampled_from([DEPTH, DEPTH, DEPTH, TRADE, SNAPSHOT, BBO]))
        level = st.tuples(
            st.sampled_from([BUY, SELL]), st.integers(0, 50).map(lambda n: n * PRICE_DIV + (n == 7)), st.integers(0, 500)
        )
        rows = draw(st.lists(level, min_size=1, max_size=3))
        ids = (0, 0, -1)
        if kind == DEPTH:
            prev = last + draw(st.sampled_from([0, 0, 0, 2, -4]))
            first = prev + draw(st.sampled_from([1, 1, 1, 3]))
            last = first + draw(st.integers(0, 3))
            ids = (first, last, prev)
        elif kind == TRADE:
            trade_id = draw(st.integers(1, 6))
            ids, rows = (trade_id, trade_id, -1), rows[:1]
        found.append({"kind": kind, "exch": exch, "recv": recv, "ids": ids, "rows": rows})
    return found


def raw_rows(found):
    rows = []
    for one in found:
        for side, price, qty in one["rows"]:
            if one["kind"] == SNAPSHOT:
                rows.append((one["exch"], one["recv"], *one["ids"], -1, 0, CLEAR, side, 0, 0))
            rows.append((one["exch"], one["recv"], *one["ids"], price, qty, one["kind"], side, 0, 0))
        rows[-1] = (*rows[-1][:9], LAST_OF_MESSAGE, 0)
    out = np.zeros(len(rows), RAW_ROW)
    for i, row in enumerate(rows):
        for name, value in zip(RAW_ROW.names, row[:10], strict=False):
            out[i][name] = value
    return out


def naive_archive(found, rule, last):
    """(kind, price, quantity, side) of the depth archive, and the counts, in plain Python."""
    rows, seen = [], set()
    counts = {"gaps": 0, "repeated_diffs": 0, "repeated_trades": 0, "off_grid": 0, "stale": 0, "recv_backwards": 0}
    newest_recv = newest_diff = None
    for one in found:
        if one["kind"] == BBO:
            counts["off_grid"] += sum(bool(p % PRICE_DIV) + bool(q % QTY_DIV) for _, p, q in one["rows"])
            continue
        if newest_recv is not None and one["recv"] < newest_recv:
            counts["recv_backwards"] += 1
        newest_recv = max(newest_recv or 0, one["recv"])
        if one["kind"] == TRADE:
            counts["repeated_trades"] += one["ids"][1] in seen
            seen.add(one["ids"][1])
        if one["kind"] == DEPTH:
            first, final, prev = one["ids"]
            if newest_diff is not None and one["exch"] - newest_diff > STALE_NS:
                counts["stale"] += 1
            newest_diff = max(newest_diff or 0, one["exch"])
            if last is not None and final <= last:
                counts["repeated_diffs"] += 1
            else:
                if last is not None and (prev != last if rule == BY_PREVIOUS else first != last + 1):
                    counts["gaps"] += 1
                    rows.append((GAP, 0, 0, 0))
                last = final
        for side, price, qty in one["rows"]:
            if one["kind"] == SNAPSHOT:
                rows.append((CLEAR, NO_BID_TICKS if side == BUY else NO_ASK_TICKS, 0, side))
            counts["off_grid"] += bool(price % PRICE_DIV) + bool(qty % QTY_DIV)
            rows.append((one["kind"], price // PRICE_DIV, qty // QTY_DIV, side))
    return rows, counts


@settings(deadline=None, max_examples=300)
@given(messages(), st.sampled_from([BY_PREVIOUS, BY_FIRST]), st.sampled_from([None, 100, 103]), st.integers(0, 40))
def test_archive_rows_equal_their_naive_twin_in_one_piece_or_two(found, rule, last, cut):
    raw = raw_rows(found)
    survey = np.zeros(1, SURVEY)
    begin_survey(survey[0], -1 if last is None else last)
    l2, bbo = np.empty(2 * len(raw) + 1, ROW), np.empty(len(raw), ROW)
    recent = np.full(RECENT, -1, np.int64)
    ends = np.flatnonzero(raw["flags"] & LAST_OF_MESSAGE) + 1
    cut = int(ends[cut % len(ends)]) if len(ends) else 0
    for part in (raw[:cut], raw[cut:]):
        archive_rows(part, rule, PRICE_DIV, QTY_DIV, survey[0], recent, l2, bbo)
    rows, counts = naive_archive(found, rule, last)
    got = l2[: survey[0]["l2_rows"]]
    assert [(int(r["kind"]), int(r["price_ticks"]), int(r["qty_lots"]), int(r["side"])) for r in got] == rows
    assert {name: int(survey[0][name]) for name in counts} == counts
    timed = [one for one in found if one["kind"] != BBO]
    if timed:
        assert survey[0]["first_ns"] == min(one["exch"] for one in timed)
        assert survey[0]["last_ns"] == max(one["exch"] for one in timed)
        assert survey[0]["latency_ns_min"] == min(one["recv"] - one["exch"] for one in timed)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)), max_size=20), st.integers(1, 500))
def test_zeros_and_fits_equal_their_naive_twins(pairs, step):
    raw = np.zeros(len(pairs), RAW_ROW)
    raw["kind"] = DEPTH
    raw["price"], raw["qty"] = [p for p, _ in pairs], [q for _, q in pairs]
    prices, qtys = np.zeros(19, np.int64), np.zeros(19, np.int64)
    trailing_zeros(raw, prices, qtys)

    def zeros(values):
        found = [len(str(v)) - len(str(v).rstrip("0")) for v in values if v]
        return [found.count(n) for n in range(19)]

    assert prices.tolist() == zeros([p for p, _ in pairs])
    assert qtys.tolist() == zeros([q for _, q in pairs])
    assert fitting(raw, step) == (sum(p % step == 0 for p, _ in pairs), len(pairs))
