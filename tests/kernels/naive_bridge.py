"""Bridging in the dullest Python, over whole messages instead of rows: the twin of `b25.kernels.bridging`."""


def naive_bridge(messages, *, spot):
    """Return the messages that make a true book.

    `messages` are ("diff", U, u, pu, tag), ("snapshot", id, tag) or ("trade", id, tag), in file order; the answer lists tags, and
    ("gap", tag) before a diff that breaks the chain.
    """
    out, waiting, seen = [], [], set()
    last, fresh = None, False

    def follows(first, final, previous):
        if not fresh:
            return first == last + 1 if spot else previous == last
        if spot:
            return first <= last + 1 <= final
        return first <= last <= final or previous == last

    def take(diff):
        nonlocal last, fresh, waiting
        _, first, final, previous, tag = diff
        if (fresh and (final <= last if spot else final < last)) or (not fresh and final <= last):
            return True
        if not follows(first, final, previous):
            out.append(("gap", tag))
            last = None
            return False
        out.append(tag)
        last, fresh = final, False
        return True

    for message in messages:
        if message[0] == "trade":
            if message[1] not in seen:
                seen.add(message[1])
                out.append(message[2])
        elif message[0] == "snapshot":
            if last is not None and (not fresh or message[1] <= last):
                continue
            last, fresh = message[1], True
            out.append(message[2])
            while waiting:
                if not take(waiting[0]):
                    break
                waiting.pop(0)
        elif last is None:
            waiting.append(message)
        elif not take(message):
            waiting = [message]
    return out
