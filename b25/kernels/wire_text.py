"""Read JSON that a machine wrote: fixed text, whole numbers, decimals in quotes. No Python object and no float is made.

A position of -1 means that something else stood there. It passes through every function, so a caller looks once at the end.
The last byte of the text must be neither a digit nor part of a number, e.g. `}` or a line feed: it ends every loop.
"""

import numpy as np

from b25.kernels.jit import hot_kernel, inlined_kernel

QUOTE, COMMA, POINT, OPEN, CLOSE, BACKSLASH = 34, 44, 46, 91, 93, 92
ZERO, SPACE, DELETE = 48, 32, 127
INT_DIGITS_MAX = 18  # whatever has no more digits than this fits int64

POWERS = np.array([10**n for n in range(19)], np.int64)

TRUE = np.frombuffer(b"true", np.uint8)
FALSE = np.frombuffer(b"false", np.uint8)

# Statuses of reading.
READ = 0
UNUSUAL = 1  # not the expected bytes: the slow path decides
OFF_GRID = 2  # a price or quantity between two steps of the grid
NO_ROOM = 3  # more levels than the array beside the message holds


@hot_kernel
def skip(buf, at, end, text):
    """Position after `text` (uint8 array) if it stands at `at`, else -1."""
    size = text.shape[0]
    if at < 0 or at + size > end:
        return -1
    for i in range(size):
        if buf[np.uintp(at + i)] != text[i]:
            return -1
    return at + size


@hot_kernel
def skip_name(buf, at, end):
    """Position of the quote that ends a plain ASCII string beginning at `at`, else -1."""
    if at < 0:
        return -1
    while at < end:
        byte = buf[np.uintp(at)]
        if byte == QUOTE:
            return at
        if byte < SPACE or byte >= DELETE or byte == BACKSLASH:
            return -1
        at += 1
    return -1


@hot_kernel
def read_int(buf, at, end):
    """Whole number at `at` as JSON writes it, and the position after it."""
    if at < 0 or at >= end:
        return 0, -1
    first = at
    value = 0
    digit = np.int64(buf[np.uintp(at)]) - ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        at += 1
        digit = np.int64(buf[np.uintp(at)]) - ZERO
    digits = at - first
    if digits == 0 or digits > INT_DIGITS_MAX or (digits > 1 and buf[np.uintp(first)] == ZERO):
        return 0, -1
    return value, at


@inlined_kernel
def read_decimal(buf, at, places):
    """Plain decimal at `at`, as a whole number of 10**-places.

    Returns
    -------
    tuple of int
        Value, position after it (-1: not a plain decimal, or too large), status READ or OFF_GRID.
    """
    first = at
    value = 0
    status = READ
    digit = np.int64(buf[np.uintp(at)]) - ZERO
    while 0 <= digit <= 9:
        value = value * 10 + digit
        at += 1
        digit = np.int64(buf[np.uintp(at)]) - ZERO
    digits = at - first
    if digits == 0 or digits + places > INT_DIGITS_MAX:
        return 0, -1, status
    if digit != POINT - ZERO:
        return value * POWERS[places], at, status
    at += 1
    point = at
    kept = point + places
    digit = np.int64(buf[np.uintp(at)]) - ZERO
    while 0 <= digit <= 9:
        if at < kept:
            value = value * 10 + digit
        elif digit != 0:
            status = OFF_GRID
        at += 1
        digit = np.int64(buf[np.uintp(at)]) - ZERO
    if at == point:
        return 0, -1, status
    if at < kept:
        value *= POWERS[kept - at]
    return value, at, status


@inlined_kernel
def read_pair(buf, at, grid, levels, count):
    """Price and quantity `1.50","0.20"` at `at` into `levels[count]`; position after the last quote, and a status."""
    price, at, status = read_decimal(buf, at, grid["price_places"])
    if at < 0 or buf[np.uintp(at)] != QUOTE or buf[np.uintp(at + 1)] != COMMA or buf[np.uintp(at + 2)] != QUOTE:
        return -1, UNUSUAL
    qty, at, qty_status = read_decimal(buf, at + 3, grid["qty_places"])
    if at < 0 or buf[np.uintp(at)] != QUOTE:
        return -1, UNUSUAL
    return at + 1, store_pair(grid, levels, count, price, qty, status | qty_status)


@hot_kernel
def read_spaced_pair(buf, at, end, between, grid, levels, count):
    """Like read_pair, with other text than `","` between price and quantity, e.g. `","q":"`."""
    if at < 0:
        return -1, UNUSUAL
    price, at, status = read_decimal(buf, at, grid["price_places"])
    at = skip(buf, at, end, between)
    if at < 0:
        return -1, UNUSUAL
    qty, at, qty_status = read_decimal(buf, at, grid["qty_places"])
    if at < 0 or buf[np.uintp(at)] != QUOTE:
        return -1, UNUSUAL
    return at + 1, store_pair(grid, levels, count, price, qty, status | qty_status)


@hot_kernel
def read_bool(buf, at, end):
    """`true` or `false` at `at`, and the position after it."""
    yes = skip(buf, at, end, TRUE)
    if yes >= 0:
        return True, yes
    return False, skip(buf, at, end, FALSE)


@inlined_kernel
def store_pair(grid, levels, count, price, qty, status):
    """Divide by the grid's steps and store one level; UNUSUAL for a price of 0, which no venue has."""
    if price == 0:
        return UNUSUAL
    if grid["price_step"] != 1:
        whole = price // grid["price_step"]
        if whole * grid["price_step"] != price:
            status = OFF_GRID
        price = whole
    if grid["qty_step"] != 1:
        whole = qty // grid["qty_step"]
        if whole * grid["qty_step"] != qty:
            status = OFF_GRID
        qty = whole
    levels[np.uintp(count)]["price_ticks"] = price
    levels[np.uintp(count)]["qty_lots"] = qty
    return status


@hot_kernel
def read_levels(buf, at, end, grid, levels, count):
    """Levels `["1.50","0.20"],…]` at `at`, after the opening bracket, into `levels` from `count` on.

    Returns
    -------
    tuple of int
        Position after the closing bracket (-1 unless the status is READ or OFF_GRID), the new count, a status.
    """
    if at < 0 or at >= end:
        return -1, count, UNUSUAL
    if buf[np.uintp(at)] == CLOSE:
        return at + 1, count, READ
    worst = READ
    capacity = levels.shape[0]
    while True:
        if buf[np.uintp(at)] != OPEN or buf[np.uintp(at + 1)] != QUOTE:
            return -1, count, UNUSUAL
        if count == capacity:
            return -1, count, NO_ROOM
        at, status = read_pair(buf, at + 2, grid, levels, count)
        if at < 0 or status == UNUSUAL or buf[np.uintp(at)] != CLOSE:
            return -1, count, UNUSUAL
        worst |= status
        count += 1
        after = buf[np.uintp(at + 1)]
        at += 2
        if after == CLOSE:
            return at, count, worst
        if after != COMMA:
            return -1, count, UNUSUAL
