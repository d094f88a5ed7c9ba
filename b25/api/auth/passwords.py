"""Passwords: hashed with argon2id beside the event loop, common ones refused, and the same work for whom there is not."""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from b25.model.errors import Misuse

CHARS_MIN, CHARS_MAX = 8, 1024
TIME_COST, MEMORY_KIB, LANES = 3, 65_536, 4  # RFC 9106, the second recommended option
# Of a password that nobody knows: verified against when there is no person, so that this takes as long.
NOBODY: Final = "$argon2id$v=19$m=65536,t=3,p=4$Q+ciPs6jt0QkvFocdUa4Yw$jg6zjS26GkFlt6Ju11U3lg3+JuPWDu8RT53vO0gSVAs"


class Hasher:
    """Hashes and verifies; one call takes 64 MiB and about a sixth of a second, so keep it off the event loop.

    Attributes
    ----------
    verified : int
        Calls of `verify` so far: the tests compare it, in place of times.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
        self.verified = 0

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(normalised(password))

    def verify(self, kept: str, password: str) -> bool:
        """Whether this is the password."""
        self.verified += 1
        try:
            return self._hasher.verify(kept, normalised(password)[:CHARS_MAX])
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)


def normalised(password: str) -> str:
    """The same text however a keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, name: str) -> None:
    """Refuse one that is short, common, or the name itself. The password is in no message.

    Raises
    ------
    Misuse
    """
    told = normalised(password)
    remedy = f"take {CHARS_MIN} characters or more, at best 15: a sentence of your own"
    if not CHARS_MIN <= len(told) <= CHARS_MAX:
        raise Misuse(f"a password has {CHARS_MIN} to {CHARS_MAX} characters", remedy=remedy)
    plain = told.casefold()
    if plain in _common() or plain.rstrip("0123456789!.?") in _common() | {name} or len(set(plain)) < 4:
        raise Misuse("this password is one of those that are tried first", remedy=remedy)


def _common() -> frozenset[str]:
    global _known
    if not _known:
        from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

        _known = frozenset(FREQUENCY_LISTS["passwords"])
    return _known


_known: frozenset[str] = frozenset()
