"""Who is who at this moment, in memory: a request is answered without the database, and what changes there holds within a second.

While the database is away the last picture holds on: an operator must be able to stop everything just then. Tokens run out in
minutes all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Final

from b25.api.auth.access_token import LEEWAY_S, LIFE_S_MAX
from b25.api.problems import Problem
from b25.store.access_keys import AccessKey, keys_of, note_use
from b25.store.faults import StoreFailed
from b25.store.people import Person, people_of
from b25.store.sign_ins import revoked_since
from b25.store.store import Store

RELOAD_S: Final = 1.0  # a picture this old is replaced beside the request that sees it
STALE_S: Final = 3.0  # one this old, before the request
UNKNOWN_S: Final = 0.25  # one this old, for a key that is not in it
USE_KEPT_S: Final = 60
_S: Final = 10**9


class Standing:
    """The picture.

    Parameters
    ----------
    store : Store
    now_ns : callable

    Attributes
    ----------
    people : dict of str to Person
    keys : dict of str to AccessKey
        Those that are not revoked.
    revoked : set of str
        Sign-ins that were ended, while a token of theirs may still be around.
    version : int
        Goes up with every reading.
    """

    def __init__(self, store: Store, now_ns: Callable[[], int]) -> None:
        self.store, self.now_ns = store, now_ns
        self.people: dict[str, Person] = {}
        self.keys: dict[str, AccessKey] = {}
        self.revoked: set[str] = set()
        self.version = 0
        self._read_ns: int | None = None
        self._one_reads = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._uses: dict[str, tuple[int, str]] = {}
        self._kept_ns: dict[str, int] = {}

    def reload(self) -> None:
        """Read it anew. After a change of one's own this makes it hold at once."""
        with self._one_reads:
            now_ns = self.now_ns()
            people = {one.name: one for one in people_of(self.store)}
            keys = {one.id: one for one in keys_of(self.store) if one.revoked_ns is None}
            revoked = revoked_since(self.store, now_ns - 2 * (LIFE_S_MAX + LEEWAY_S) * _S)
            self.people, self.keys, self.revoked = people, keys, revoked
            self.version, self._read_ns = self.version + 1, now_ns
        self._keep_uses(now_ns)

    async def anew(self) -> None:
        """Read it anew for somebody who is not in it; strangers make it no more often than a few times a second."""
        if self._read_ns is not None and not 0 <= self.now_ns() - self._read_ns < UNKNOWN_S * _S:
            await asyncio.to_thread(self._try)

    async def fresh(self) -> None:
        """See to it that the picture is of now, or of seconds ago.

        Raises
        ------
        Problem
            503 when there is none at all.
        """
        age_ns = None if self._read_ns is None else self.now_ns() - self._read_ns
        if age_ns is not None and 0 <= age_ns < RELOAD_S * _S:
            return
        if self._task is None or self._task.done() or self._task.get_loop() is not asyncio.get_running_loop():
            self._task = asyncio.create_task(asyncio.to_thread(self._try))
        if age_ns is None or not 0 <= age_ns < STALE_S * _S:
            await asyncio.shield(self._task)
        if self._read_ns is None:
            raise Problem(503, "nobody can be recognised: the database is away", headers={"Retry-After": "5"})

    def used(self, key_id: str, ip: str, now_ns: int) -> None:
        """Note that a key was used; it is written down within a minute or so."""
        self._uses[key_id] = (now_ns, ip)

    def _try(self) -> None:
        with contextlib.suppress(StoreFailed):
            self.reload()

    def _keep_uses(self, now_ns: int) -> None:
        due = [
            (key_id, use) for key_id, use in list(self._uses.items()) if now_ns - self._kept_ns.get(key_id, 0) >= USE_KEPT_S * _S
        ]
        if not due:
            return
        with contextlib.suppress(StoreFailed), self.store.writing():  # when it cannot be written now, it is the next time
            for key_id, (used_ns, ip) in due:
                note_use(self.store, key_id, ip, now_ns=used_ns)
            for key_id, use in due:
                self._kept_ns[key_id] = now_ns
                if self._uses.get(key_id) == use:
                    del self._uses[key_id]
