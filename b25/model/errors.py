"""The four kinds of error, sorted by what happens next; each carries its remedy."""


class B25Error(Exception):
    """What happened, where, and what to do about it.

    Parameters
    ----------
    what : str
        One sentence that names the thing, the value and the place.
    remedy : str
        What the reader can do now.
    """

    def __init__(self, what: str, *, remedy: str) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}\n  remedy: {remedy}")


class Misuse(B25Error):
    """A person must change code, data or configuration. Nothing starts; nothing was changed."""


class Retry(B25Error):
    """The venue or the network is unwell. Wait, then ask again."""


class Resync(B25Error):
    """Our picture is wrong (a gap, an unknown order). Rebuild it from a snapshot."""


class Halt(B25Error):
    """An invariant is broken. Cancel all, stop, wake somebody."""
