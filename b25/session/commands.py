"""Commands are events: what a person or a supervisor asks of a session enters it as the market does, and is replayed like it.

A COMMAND event holds its code in `status`. START holds in `amount` the time before which every new order is refused. SET holds
the place of the parameter in `order_id` and the value's bytes in `amount`.
"""

import difflib
import struct
from enum import IntEnum
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.model.event import COMMAND, EVENT
from b25.model.risk import REARM as OPEN_LATCHES
from b25.model.risk import SET_STATE
from b25.strategy.strategy import Strategy


class Command(IntEnum):
    """What can be asked of a session."""

    START = 1  # call on_start; what comes before the time it tells warms the strategy up
    STOP = 2  # call on_stop, and the strategy no more
    PAUSE = 3  # cancel what works and refuse what adds risk; exits pass, and the strategy goes on watching
    RESUME = 4  # trade again
    SET = 5  # give a parameter another value
    FLATTEN = 6  # refuse new orders, cancel those that work, and close every position at market
    HOLD = 7  # the feed is not to be traded on: the book is suspect
    RELEASE = 8  # it is again
    DRAIN = 9  # refuse new orders and cancel those that work, at the end
    WATCH = 10  # mark the account, and let its limits be judged though nothing is asked for
    RESTRICT = 11  # nothing new leaves for an instrument, and what works there is cancelled
    PERMIT = 12  # it may be traded again as its limits say
    OVERRIDE = 13  # one order of a person, past every limit, until the time in `amount`
    ORDER = 14  # one order of a person, within every limit; this and the two that follow: see session/manual.py
    CANCEL = 15  # of one order, whoever asked for it
    AMEND = 16
    LIMIT = 17  # one field of new limits, which does not hold yet; see b25.session.limit_swap
    CONFIGURE = 18  # what was said of limits holds from here on; `amount` is the version of what is configured
    STATE = SET_STATE  # of the risk gate: `amount` is active, reducing or stopped
    REARM = OPEN_LATCHES  # `amount` holds the latches that a person opened


def command_event(code: Command, now_ns: int, *, instrument: int = 0, place: int = 0, amount: int = 0) -> np.ndarray[Any, Any]:
    """Return one COMMAND event."""
    event = np.zeros(1, EVENT)
    event["kind"], event["status"], event["instrument"] = COMMAND, int(code), instrument
    event["exch_ns"] = event["local_ns"] = now_ns
    event["order_id"], event["amount"] = place, amount
    return event


def override_event(
    now_ns: int, *, instrument: int, side: int, qty_lots: int, price_ticks: int, until_ns: int
) -> np.ndarray[Any, Any]:
    """Return the event of one order that passes every limit until a time; at market where the price is 0."""
    event = command_event(Command.OVERRIDE, now_ns, instrument=instrument, amount=until_ns)
    event["side"], event["qty_lots"], event["price_ticks"] = side, qty_lots, price_ticks
    return event


def set_event(cls: type[Strategy], name: str, value: Any, now_ns: int) -> np.ndarray[Any, Any]:
    """Return the event that gives a parameter another value.

    Raises
    ------
    Misuse
        When the class has no such parameter, or the value is out of its bounds.
    """
    names = list(cls.params)
    if name not in cls.params:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"its parameters are {', '.join(names) or 'none'}"
        raise Misuse(f"{cls.__name__} has no parameter {name!r}", remedy=hint)
    checked = cls.params[name].check(cls.__name__, name, value)
    bits = struct.unpack("<q", struct.pack("<d", float(checked)))[0]
    return command_event(Command.SET, now_ns, place=names.index(name), amount=bits)


def configured_event(now_ns: int, *, kind: int, version: int, checksum: str) -> np.ndarray[Any, Any]:
    """Return the event that notes a configuration as the one in force: `kind` is one of `b25.session.limit_swap`."""
    event = command_event(Command.CONFIGURE, now_ns, place=checksum_bits(checksum), amount=version)
    event["side"] = kind
    return event


def checksum_bits(checksum: str) -> int:
    """First eight bytes of a checksum in hexadecimal, as an event holds them."""
    return int.from_bytes(bytes.fromhex(checksum)[:8], "big", signed=True)


def set_value(cls: type[Strategy], event: Any) -> tuple[str, Any]:
    """Name and value that a SET event holds, in the parameter's own type."""
    name = list(cls.params)[int(event["order_id"])]
    value = struct.unpack("<d", struct.pack("<q", int(event["amount"])))[0]
    return name, cls.params[name].check(cls.__name__, name, type(cls.params[name].default)(value))
