"""The local operator: whoever may write the database and read the secrets folder works on both directly, and is audited."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from b25.api.auth.access import Access, open_access
from b25.api.problems import Problem
from b25.config.settings import read_settings
from b25.model.errors import Misuse
from b25.store.store import Store, open_store


def operator_name() -> str:
    """How the audit names him: the account of the operating system, which a person of the same name is not."""
    return f"operator:{getpass.getuser()}"


@contextmanager
def local_store(store_url: str = "") -> Iterator[Store]:
    """The database that the settings, or this address, name."""
    store = open_store(read_settings(database_url=store_url or None).database_url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def local_access(store_url: str = "", secrets_folder: Path | None = None) -> Iterator[Access]:
    """Access on the database and in the folder that the settings, or these, name.

    Raises
    ------
    Misuse
        For what the gateway would answer with a problem.
    """
    settings = read_settings(database_url=store_url or None, secrets_folder=secrets_folder)
    store = open_store(settings.database_url)
    try:
        access = open_access(settings, store, time.time_ns)
        try:
            yield access
        except Problem as fault:
            raise Misuse(fault.detail, remedy=fault.remedy or "look at what is there, e.g. with the list command") from None
        finally:
            access.stop()
    finally:
        store.close()
