"""Who is who: verifying a token, refreshing, signing in, with the real cost of a password, on SQLite.

Verification is measured both ways: a token that was never seen, whose signature is checked, and one that comes again.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from figures import Figure
from stage import Stage

from b25.api.auth.access import Access, open_access
from b25.api.auth.origin import Origin
from b25.api.roles import Role
from b25.config.settings import Settings
from b25.store.store import open_store

NAME, PASSWORD, HOME = "bench", "a sentence that nobody guesses", Origin(ip="127.0.0.1", agent="bench")
TOKENS, AGAIN, REFRESHES, SIGN_INS = 2_000, 50_000, 300, 20


def taken_ms(call: Callable[[int], object], count: int) -> np.ndarray:
    """Milliseconds of each call."""
    taken = np.empty(count)
    for number in range(count):
        begun = time.perf_counter_ns()
        call(number)
        taken[number] = (time.perf_counter_ns() - begun) / 1e6
    return taken


def measure(access: Access) -> dict[str, np.ndarray]:
    """Milliseconds of each kind."""
    access.membership.add("bench", NAME, PASSWORD, (Role.TRADER,), HOME)
    issued = [access.sign_ins.sign_in(NAME, PASSWORD, "", HOME)]
    sign_in, now_ns = issued[0].sign_in, time.time_ns()
    tokens = [
        access.means.tokens.issue(NAME, sign_in, ("trader",), now_ns=now_ns, ends_ns=now_ns + 10**13)[0] for _ in range(TOKENS)
    ]
    read = access.authenticator.of_token
    first = taken_ms(lambda number: read(tokens[number]), TOKENS)
    again = taken_ms(lambda number: read(tokens[number % TOKENS]), AGAIN)
    assert {read(token).name for token in tokens} == {NAME}

    def refresh(_: int) -> None:
        issued.append(access.sign_ins.refresh(issued[-1].refresh_token, HOME))

    return {
        "first": first,
        "again": again,
        "refresh": taken_ms(refresh, REFRESHES),
        "sign in": taken_ms(lambda _: access.sign_ins.sign_in(NAME, PASSWORD, "", HOME), SIGN_INS),
    }


def access(stage: Stage) -> Iterator[Figure]:
    """Token verification, refresh and sign-in."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = Settings(
            database_url=f"sqlite:///{folder}/b25.db", run_folder=folder / "run", secrets_folder=folder / "secrets"
        )  # fmt: skip
        store = open_store(settings.database_url, readers=4)
        made = open_access(settings, store, time.time_ns)
        try:
            found = measure(made)
        finally:
            made.stop()
            store.close()
    first, again, refresh, sign_in = (found[name] for name in ("first", "again", "refresh", "sign in"))
    detail = f"signature checked, p50 {np.median(first):.3f}; one seen before: p50 {np.median(again):.4f}, "
    detail += f"p99 {np.percentile(again, 99):.4f}"
    yield Figure("token verification, p99", float(np.percentile(first, 99)), "ms", 5, 0.5, False, detail)
    detail = f"p50 {np.median(refresh):.2f}; {REFRESHES} in a row, each a transaction with the next token"
    yield Figure("refresh, p99", float(np.percentile(refresh, 99)), "ms", 50, None, False, detail)
    detail = f"p50 {np.median(sign_in):.0f}; argon2id t 3, 64 MiB, p 4; {SIGN_INS} in a row"
    yield Figure("sign-in, worst", float(np.max(sign_in)), "ms", 300, None, False, detail)


MEASURES = [access]
