"""Client order ids: who, which life of the process, which order. Never reused, and readable back from what a venue lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from b25.model.errors import Misuse

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"  # the first 32 of them are base 32
ACCOUNTS, STRATEGIES, EPOCHS, SEQS = 32**2, 32**3, 32**4, 2**32
DAY_MS: Final = 86_400_000
DASHED: Final = re.compile(r"b25-([0-9a-v]{2})([0-9a-v]{3})-([0-9a-v]+)-([0-9a-z]+)")
PLAIN: Final = re.compile(r"b25([0-9a-v]{2})([0-9a-v]{3})([0-9a-v]{4})([0-9a-z]{1,7})")
PLAIN_LENGTH: Final = 12  # of the plain form before its number


@dataclass(frozen=True, slots=True)
class Identity:
    """What a client id says.

    Attributes
    ----------
    account, strategy : int
        Numbers that the store gave to their names.
    epoch : int
        Life of the process: the fencing token of its lease.
    seq : int
        Number of the order in that life.
    """

    account: int
    strategy: int
    epoch: int
    seq: int

    def __post_init__(self) -> None:
        bounds = ((self.account, ACCOUNTS), (self.strategy, STRATEGIES), (self.epoch, EPOCHS), (self.seq, SEQS))
        if any(not 0 <= value < end for value, end in bounds):
            raise Misuse(f"{self} does not fit into a client order id", remedy="keep its parts within their bounds")

    @property
    def intent_id(self) -> int:
        """Key of its intent in the store."""
        return self.epoch * 2**32 + self.seq


def client_id(identity: Identity, pattern: str) -> str:
    """Write an id in the form that a venue takes: with dashes, or letters and digits only, at most 18 while numbers are small.

    Parameters
    ----------
    identity : Identity
    pattern : str
        `Abilities.client_id_pattern`.

    Raises
    ------
    Misuse
        When no form of it is taken.
    """
    who = _base(identity.account, 32, 2) + _base(identity.strategy, 32, 3)
    seq = _base(identity.seq, 36)
    dashed = f"b25-{who}-{_base(identity.epoch, 32)}-{seq}"
    plain = f"b25{who}{_base(identity.epoch, 32, 4)}{seq}"
    for text in (dashed, plain):
        if re.fullmatch(pattern, text):
            return text
    raise Misuse(
        f"neither {dashed} nor {plain} is a client id of this venue ({pattern})", remedy="restart: a new epoch counts anew"
    )


def id_prefix(account: int, strategy: int, pattern: str) -> str:
    """What the ids of a strategy's orders begin with, in the form that a venue takes."""
    who = _base(account, 32, 2) + _base(strategy, 32, 3)
    taken = client_id(Identity(account, strategy, 1, 0), pattern)
    return f"b25-{who}-" if taken.startswith("b25-") else f"b25{who}"


def closing_id(prefix: str, number: int) -> str:
    """Id of an order by which somebody else closes what a strategy holds; its epoch is 0, which no life ever has.

    Parameters
    ----------
    prefix : str
        As `id_prefix` gives it; empty where no strategy is known, and then nobody will take the order for one of ours.
    number : int
        That grows: a time, in whatever unit.
    """
    if not prefix:
        return f"b25k{_base(number % SEQS, 36)}"  # too short to be read as one of ours
    return f"{prefix}0-{_base(number % SEQS, 36)}" if prefix.endswith("-") else f"{prefix}0000{_base(number % SEQS, 36)}"


def identity_of(text: str) -> Identity | None:
    """Read an id back; None when it is not one of ours."""
    match = DASHED.fullmatch(text) or PLAIN.fullmatch(text)
    if match is None:
        return None
    account, strategy, epoch, seq = match.groups()
    numbers = int(account, 32), int(strategy, 32), int(epoch, 32), int(seq, 36)
    return Identity(*numbers) if numbers[2] < EPOCHS and numbers[3] < SEQS else None


def next_epoch(stored: int, seen: int, wall_ms: int) -> int:
    """Epoch of a new life: above what the store remembers, above what the venue has seen, above the days since 1970.

    Any one of the three may have gone back (a restored backup, a cleared account, a clock); ids stay new while one has not.
    """
    return max(stored, seen, wall_ms // DAY_MS) + 1


def _base(value: int, base: int, width: int = 1) -> str:
    text = ""
    while value:
        value, digit = divmod(value, base)
        text = DIGITS[digit] + text
    return text.rjust(width, "0")
