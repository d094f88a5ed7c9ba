"""What happens to an order inside a bar, the slow way: the price walks tick by tick, and the order looks at each of them."""

from decimal import Decimal, localcontext


def better(side, limit, price):
    """How much better than its limit a price is for an order; 0 at the limit, below 0 when it is worse."""
    return limit - price if side > 0 else price - limit


def open_price(side, limit, stop, is_market, opened):
    """The open, or None: a stop waits for its price or one beyond it, a limit for its price or a better one."""
    if stop and ((side > 0 and opened < stop) or (side < 0 and opened > stop)):
        return None
    return opened if is_market or better(side, limit, opened) >= 0 else None


def walk(start, end):
    """Every price from one to the other."""
    return range(start, end + 1) if end >= start else range(start, end - 1, -1)


def leg_price(side, limit, stop, is_market, goes_up, start, end, by_touch):
    """The price at which an order acts on a leg, or None."""
    path = walk(start, end)
    if stop:
        return stop if goes_up == (side > 0) and stop in path else None
    if is_market:
        return None
    least = 0 if by_touch else 1
    if better(side, limit, start) >= least:
        return start
    return limit if any(better(side, limit, price) >= least for price in path) else None


def exact_slip(ticks, slippage_e12, impact_e12, lots, volume):
    """How much worse a price gets, in ticks, with fifty digits."""
    with localcontext() as context:
        context.prec = 50
        share = Decimal(lots) / volume if volume > 0 else Decimal(1)
        return ticks * (Decimal(slippage_e12) + Decimal(impact_e12) * share.sqrt()) / 10**12


def first_direction(lots, opened, high, low):
    """Down for a holder, up for a short, to the nearer extreme for nobody; down when both are as near."""
    if lots:
        return -1 if lots > 0 else 1
    return 1 if high - opened < opened - low else -1
