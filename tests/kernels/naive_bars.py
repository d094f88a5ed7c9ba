"""The dullest way to make bars: lists of trades, whole bars at once, the calendar of the standard library."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS = 1_000_000_000


def naive_open(time_ns, frame_ns, offset_ns, months):
    if months == 0:
        at = offset_ns
        step = frame_ns if time_ns >= at else -frame_ns
        while not at <= time_ns < at + frame_ns:
            at += step
        return at
    day = EPOCH + timedelta(seconds=time_ns // NS)
    count = (day.year - 1970) * 12 + day.month - 1
    return naive_month(count - count % months)


def naive_next(open_ns, frame_ns, months):
    if months == 0:
        return open_ns + frame_ns
    day = EPOCH + timedelta(seconds=open_ns // NS)
    return naive_month((day.year - 1970) * 12 + day.month - 1 + months)


def naive_month(count):
    first = datetime(1970 + count // 12, count % 12 + 1, 1, tzinfo=UTC)
    span = first - EPOCH
    return span.days * 86_400 * NS


def whole(open_ns, close_ns, trades):
    """One bar of (time, price, lots, side) trades, as a dict with the fields of BAR."""
    prices = [price for _, price, _, _ in trades]
    return {
        "open_ns": open_ns,
        "close_ns": close_ns,
        "volume_lots": sum(lots for _, _, lots, _ in trades),
        "buy_lots": sum(lots for _, _, lots, side in trades if side > 0),
        "open_ticks": prices[0],
        "high_ticks": max(prices),
        "low_ticks": min(prices),
        "close_ticks": prices[-1],
    }


def naive_time_bars(trades, frame_ns, offset_ns, months, known_ns):
    """Bars whose close is not after `known_ns`."""
    opens = sorted({naive_open(trade[0], frame_ns, offset_ns, months) for trade in trades})
    spans = [(at, naive_next(at, frame_ns, months)) for at in opens]
    return [whole(a, b, [trade for trade in trades if a <= trade[0] < b]) for a, b in spans if b <= known_ns]


WORTH = {
    "ticks": lambda price, lots, side: 1,
    "volume": lambda price, lots, side: lots,
    "dollar": lambda price, lots, side: price * lots,
    "imbalance": lambda price, lots, side: side,
    "volume imbalance": lambda price, lots, side: side * lots,
}


def naive_information_bars(trades, rule, threshold):
    bars, since, free = [], [], None
    for trade in trades:
        since.append(trade)
        if abs(sum(WORTH[rule](price, lots, side) for _, price, lots, side in since)) >= threshold:
            begin = since[0][0] if free is None else max(since[0][0], free)
            free = max(trade[0], begin) + 1
            bars.append(whole(begin, free, since))
            since = []
    return bars


def naive_resample(bars, frame_ns, offset_ns, months, known_ns):
    """Larger bars out of dicts with the fields of BAR and a `volume`."""
    opens = sorted({naive_open(bar["open_ns"], frame_ns, offset_ns, months) for bar in bars})
    found = []
    for begin in opens:
        end = naive_next(begin, frame_ns, months)
        parts = [bar for bar in bars if begin <= bar["open_ns"] < end]
        if end > known_ns:
            continue
        volume = 0.0
        for part in parts:
            volume += part["volume"]
        unknown = any(part["buy_lots"] < 0 for part in parts)
        found.append(
            {
                "open_ns": begin,
                "close_ns": end,
                "volume_lots": sum(part["volume_lots"] for part in parts),
                "buy_lots": -1 if unknown else sum(part["buy_lots"] for part in parts),
                "open_ticks": parts[0]["open_ticks"],
                "high_ticks": max(part["high_ticks"] for part in parts),
                "low_ticks": min(part["low_ticks"] for part in parts),
                "close_ticks": parts[-1]["close_ticks"],
                "volume": volume,
            }
        )
    return found
