"""What a feed tells besides rows: a socket lost, a book to hold or true again, a limit passed."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of news, each with what the listener should do."""

    OPENED = "opened"  # a socket is there
    LOST = "lost"  # a socket is gone; its books are held
    ROLLED_OVER = "rolled over"  # a planned change of sockets is done
    SYNCED = "synced"  # a book is true from here
    GAP = "gap"  # a book is suspect until the next SYNCED
    HOLD = "hold"  # do not add risk
    LIVE = "live"  # every reason to hold is over
    HALT = "halt"  # data have been missing for too long
    SILENT = "silent"  # a subscription gives nothing
    REFUSED = "refused"  # the venue answered a request with an error
    UNAVAILABLE = "unavailable"  # snapshots are refused for a reason that waiting does not mend
    ALARM = "alarm"  # clock skew, too many resyncs


@dataclass(frozen=True, slots=True)
class News:
    """One piece of news; `book` is the number of the book it is about, None where it is about a socket."""

    kind: Kind
    at_ns: int
    what: str
    book: int | None = None
