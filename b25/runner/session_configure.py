"""The command `configure` of a session's control socket: look at once, try a value, or take one over that only tightens.

    {"command": "configure"}                                                      look at the store now
    {"command": "configure", "type": …, "key": …, "version": …, "value": …, "dry_run": true}
    {"command": "configure", "type": …, "key": …, "version": …, "value": …}       for a session without a store

What loosens a limit needs a second person, and comes through the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from b25.config.check import Invalid, faults_of, resolved
from b25.config.documents import canonical, plain
from b25.config.keys import Key
from b25.config.loosening import loosened
from b25.config.schemas.types import schema_of
from b25.model.errors import Misuse
from b25.runner.session_config import Link

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop


def configure(loop: LiveLoop, request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked for.

    Raises
    ------
    Misuse
        When it is not well formed, the session does not go by the key, or it would loosen a limit.
    Retry
        When there is no market to try limits at.
    """
    config = loop.configuration
    if config is None:
        raise Misuse("the session goes by no configuration", remedy="start it with --config, or a store of its own")
    if "type" not in request:
        config.wake()
        return {"looking": True}
    kind, key = str(request["type"]), str(Key.of(str(request.get("key"))))
    schema_of(kind)
    value = plain(request.get("value"), "value")
    version = request.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise Misuse(f"version {version!r} of a configuration", remedy="count versions from 1")
    link = Link(key, version, canonical(value)[1], value)
    if (offer := config.with_link(link, kind)) is None:
        raise Misuse(
            f"{config.plan.name} does not go by {key}", remedy=f"it goes by {', '.join(str(k) for _, k in config.goes_by())}"
        )
    whole = resolved(kind, [one.value for one in offer.links])
    if faults := faults_of(kind, whole):
        raise Invalid(key, faults)
    if request.get("dry_run"):
        answer = config.tried(link, kind)
        assert answer is not None
        return {"key": key, "version": version, "outcome": answer.outcome, "detail": answer.detail}
    held = config.held.get(offer.place)
    if more := loosened(kind, held.value if held is not None and held.links else None, whole):
        raise Misuse(f"it loosens {more[0]}", remedy="activate it, and have a second person agree: b25 config activate")
    rows, why = config.judge([offer], config.prices() if kind in ("risk_limit", "trading_pair") else [])
    answers = config.apply([offer], rows, why)
    mine = next((one for one in answers if one.key == key), None)
    outcome, detail = (mine.outcome, mine.detail) if mine is not None else ("applied", "it held already")
    return {"key": key, "version": version, "outcome": outcome, "detail": detail}
