"""The first step of a version that was just frozen: its author has it validated."""

from __future__ import annotations

import time
from collections.abc import Callable

from b25.config.settings import Settings
from b25.model.errors import B25Error
from b25.promote.gate import RESEARCHER
from b25.promote.moves import Promotions, Wanted
from b25.promote.record import Actor
from b25.promote.states import State
from b25.promote.version import LIVE, Version
from b25.store.store import open_store


def validate(version: Version, by: str, settings: Settings, say: Callable[[str], None], *, client: str = "b25 promote") -> str:
    """Have a version be validated by its author, and return what is next. Where that cannot be written down it stays a draft."""
    author = Actor(by, frozenset({RESEARCHER}), facts={"client": client, "ip": ""})
    try:
        store = open_store(settings.database_url, readers=2)
        try:
            desk = Promotions(store, LIVE, settings.secrets_folder, settings.promotion, time.time_ns, lambda: 0)
            desk.move(version.reference, Wanted(to=State.VALIDATED, reason="promoted with proof"), author)
        finally:
            store.close()
    except B25Error as fault:
        again = f"b25 strategies approve {version.reference} --to validated"
        told = f"a draft: {fault.what}; later: {again}"
    else:
        told = f"validated; next: b25 strategies approve {version.reference} --to observe"
    say(told)
    return told
