"""The hash of a matching book, from the twin's lists."""

from b25.model.event import BUY

MASK = 2**64 - 1


def mix(digest, number):
    digest ^= number & MASK
    digest = (digest ^ (digest << 13)) & MASK
    digest ^= digest >> 7
    return (digest ^ (digest << 17)) & MASK


def queues(naive):
    """The six queues, each in its priority: asks, bids, rising and falling stops by the last price, and by the mark."""
    yield sorted((o for o in naive.resting if o.side != BUY), key=lambda o: o.price)
    yield sorted((o for o in naive.resting if o.side == BUY), key=lambda o: -o.price)
    for by_mark in (False, True):
        yield sorted((o for o in naive.waiting if o.by_mark == by_mark and o.rising), key=lambda o: o.stop)
        yield sorted((o for o in naive.waiting if o.by_mark == by_mark and not o.rising), key=lambda o: -o.stop)


def naive_hash(naive):
    digest = 0xCBF29CE484222325
    for k, queue in enumerate(queues(naive)):
        digest, last = mix(digest, k), None
        for order in queue:
            at = order.price if k < 2 else order.stop
            if at != last:
                digest, last = mix(digest, at), at
            digest = mix(mix(mix(digest, order.order_id), order.leaves), order.price)
    for account in sorted(naive.positions):
        if naive.positions[account]:
            digest = mix(mix(digest, account), naive.positions[account])
    return mix(mix(mix(digest, naive.last_ticks), naive.mark_ticks), naive.trade_id)
