"""Makes guessing slow: after some failures in a row, each next try must wait longer, for the person and for the address.

An attempt is counted as failed before it is looked at, so that many at one moment gain nothing; success takes that back. The
counters are in the store: they outlive a restart and hold for every process.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Final

from b25.api.problems import Problem
from b25.store.sign_ins import Failures, failures_within, forget_failures, set_failures, was_here
from b25.store.store import Store

FREE: Final = 5  # failures in a row before there is a delay
PERSON_S_MAX: Final = 60  # short: a stranger must not be able to lock somebody out
ADDRESS_S_MAX: Final = 900
FORGET_S: Final = 3_600
LEAK_S: Final = 600  # one failure fewer for so long without any: mistakes of a week do not add up
KNOWN_ADDRESS_S: Final = 30 * 86_400
_S: Final = 10**9
_NONE: Final = Failures(count=0, last_ns=0, until_ns=0)


def delay_s(failures: int, longest_s: int) -> int:
    """Seconds to wait after so many failures in a row."""
    return 0 if failures < FREE else min(2 ** min(failures - FREE + 1, 20), longest_s)


class Throttle:
    """Counts attempts.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def begin(self, who: str, ip: str, now_ns: int) -> None:
        """Count an attempt as failed, until `succeeded` says otherwise.

        The person's own counter does not count at an address from which he has signed in before: a stranger elsewhere cannot
        keep him out. There the address' counter still does.

        Raises
        ------
        Problem
            429 when it is too early: the same whether there is such a person or not, and before any password is looked at.
        """
        known = was_here(self.store, who, ip, now_ns - KNOWN_ADDRESS_S * _S)
        keys = [(_address(ip), ADDRESS_S_MAX)] if known else [(_address(ip), ADDRESS_S_MAX), (_person(who), PERSON_S_MAX)]
        with self.store.writing():
            forget_failures(self.store, now_ns - 24 * FORGET_S * _S)
            for key, longest_s in keys:
                held = self._held(key, now_ns)
                if held.until_ns > now_ns:
                    wait_s = -(-(held.until_ns - now_ns) // _S)
                    raise Problem(
                        429, "too many failures; wait before the next try", code="RATE_LIMIT_EXCEEDED",
                        remedy=f"try again in {wait_s} s", headers={"Retry-After": str(wait_s)},
                    )  # fmt: skip
                until_ns = now_ns + delay_s(held.count + 1, longest_s) * _S
                set_failures(self.store, key, Failures(count=held.count + 1, last_ns=now_ns, until_ns=until_ns))

    def half_way(self, who: str, ip: str, now_ns: int) -> None:
        """Inside `writing`: the password was right and the code is still to come. This attempt did not count; the others do."""
        for key in (_person(who), _address(ip)):
            held = self._held(key, now_ns)
            set_failures(self.store, key, Failures(count=max(held.count - 1, 0), last_ns=held.last_ns, until_ns=0))

    def succeeded(self, who: str, ip: str, now_ns: int) -> None:
        """Inside `writing`: the person begins anew, the address gets this one attempt back, and no more than that."""
        set_failures(self.store, _person(who), Failures(count=0, last_ns=now_ns, until_ns=0))
        held = self._held(_address(ip), now_ns)
        set_failures(self.store, _address(ip), Failures(count=max(held.count - 1, 0), last_ns=now_ns, until_ns=0))

    def _held(self, key: str, now_ns: int) -> Failures:
        held = failures_within(self.store, key)
        if held is None or now_ns - held.last_ns >= FORGET_S * _S:
            return _NONE
        leaked = max(now_ns - held.last_ns, 0) // (LEAK_S * _S)
        return Failures(count=max(held.count - leaked, 0), last_ns=held.last_ns, until_ns=held.until_ns)


def _person(who: str) -> str:
    return f"person:{hashlib.sha256(who.encode()).hexdigest()[:32]}"


def _address(ip: str) -> str:
    """One counter for an IPv4 address, or for the /64 that a single host has to itself."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return f"address:{ip[:64]}"
    if address.version == 6:
        return f"address:{ipaddress.ip_network((address, 64), strict=False)}"
    return f"address:{address}"
