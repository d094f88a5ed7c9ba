"""Channels behind one port: a log, a signed webhook, and whatever Apprise reaches. Each sends once; nobody here tries again."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import orjson

from b25.config.secret_refs import secret_of
from b25.model.errors import Misuse, Retry
from b25.runner.alerts.rules import NotificationRoute
from b25.runner.structured_log import StructuredLog, shown

CONNECT_S: Final = 5.0
READ_S: Final = 10.0
SCHEMES: Final = {"mail": ("mailto", "mailtos"), "slack": ("slack",), "telegram": ("tgram",), "apprise": ()}
KEY_HEADER, SIGNATURE_HEADER = "Idempotency-Key", "X-B25-Signature"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
KINDS: Final = {"info": "info", "warning": "warning", "critical": "failure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message, as it leaves.

    Attributes
    ----------
    notification_id : str
        Its idempotency key: the same however often it is tried.
    """

    notification_id: str
    kind: str
    severity: str
    title: str
    body: str
    correlation_id: str = ""
    alert_ids: tuple[str, ...] = ()


class NotAccepted(Retry):
    """A channel did not take a message. Says why, and never where to."""

    def __init__(self, channel: str, why: str) -> None:
        super().__init__(f"channel {channel}: {why}", remedy="check its address and the receiver: b25 alerts test CHANNEL")


class Channel(Protocol):
    """Somewhere to tell."""

    name: str

    def send(self, message: Outgoing) -> None:
        """Send once, within some seconds; blocks. Raises NotAccepted."""
        ...


class LogChannel:
    """Tells the log: always there, and where everything stands."""

    def __init__(self, name: str, log: StructuredLog) -> None:
        self.name, self.log = name, log

    def send(self, message: Outgoing) -> None:
        """Write one line."""
        told = {"id": message.notification_id, "title": message.title, "severity": message.severity, "alerts": message.alert_ids}
        (self.log.info if message.severity == "info" else self.log.alarm)("notification", **told)


class WebhookChannel:
    """Posts JSON to one address, signed, so that the receiver knows from whom it is and that it is whole.

    Header ``X-B25-Signature: t=<seconds>,v1=<hex>``, HMAC-SHA256 over ``<seconds>.<body>``; a receiver refuses old seconds.

    Parameters
    ----------
    secret : str
        Two words: the address, and the key of the signature.
    """

    def __init__(self, name: str, secret: str) -> None:
        words = secret.split()
        if len(words) != 2 or urlsplit(words[0]).scheme not in ("https", "http"):
            raise Misuse(
                f"channel {name}: its secret is no webhook", remedy="keep two words there: the address and a signing key"
            )
        self.name, self._url, self._key = name, words[0], words[1].encode()
        parts = urlsplit(self._url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise Misuse(f"channel {name}: its address is not https", remedy="plain http goes to this machine only")
        if len(self._key) < 16:
            raise Misuse(f"channel {name}: its signing key is short", remedy="take at least 16 characters")

    def send(self, message: Outgoing) -> None:
        """Post it; whatever is no 2xx was not accepted, redirections included."""
        import httpx

        body = orjson.dumps(
            {
                "id": message.notification_id, "kind": message.kind, "severity": message.severity, "title": message.title,
                "body": message.body, "alerts": message.alert_ids, "correlation_id": message.correlation_id,
            }
        )  # fmt: skip
        headers = {
            "Content-Type": "application/json", KEY_HEADER: message.notification_id,
            SIGNATURE_HEADER: signature(self._key, body, int(time.time())),
        }  # fmt: skip
        try:
            limits = httpx.Timeout(READ_S, connect=CONNECT_S)
            answer = httpx.post(self._url, content=body, headers=headers, timeout=limits, follow_redirects=False, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise NotAccepted(self.name, f"no answer ({type(fault).__name__})") from None
        if not answer.is_success:
            raise NotAccepted(self.name, f"answered {answer.status_code}")


class AppriseChannel:
    """Tells by what Apprise knows: mail, Slack, Telegram, and a hundred others.

    Parameters
    ----------
    url : str
        As Apprise wants it; secret.
    """

    def __init__(self, name: str, kind: str, url: str) -> None:
        self.name, self.kind, self._url = name, kind, url
        schemes = SCHEMES[kind]
        if schemes and url.partition("://")[0] not in schemes:
            raise Misuse(f"channel {name}: its secret is no address of {kind}", remedy=f"keep {schemes[0]}://… there")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it imports what Python 3.13 has no more, if it is there
            self._made("")

    def _made(self, notification_id: str) -> Any:
        import apprise

        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it tells addresses
        # Nothing of it is kept on the disk, and nothing is tried again by it: that is the queue's.
        asset = apprise.AppriseAsset(app_id="b25", app_desc="b25", storage_mode="memory", async_mode=False, secure_logging=True)
        told = apprise.Apprise(asset=asset)
        if not told.add(self._url):
            raise Misuse(f"channel {self.name}: Apprise does not know its address", remedy="see the URLs of Apprise")
        one: Any = told[0]
        one.retry = 0
        one.socket_connect_timeout, one.socket_read_timeout = CONNECT_S, READ_S
        if isinstance(getattr(one, "headers", None), dict):
            one.headers[f"X-{KEY_HEADER}"] = notification_id
        return told

    def send(self, message: Outgoing) -> None:
        """Have Apprise send it, once."""
        body = f"{message.body}\n\nid {message.notification_id}"
        try:
            told = self._made(message.notification_id)
            result = told.notify(body=body, title=message.title, notify_type=KINDS[message.severity], body_format="text")
        except Misuse:
            raise
        except Exception as fault:
            raise NotAccepted(self.name, f"{self.kind} failed ({type(fault).__name__})") from None
        if not result:
            raise NotAccepted(self.name, f"{self.kind} was not accepted, or nobody answered")


def signature(key: bytes, body: bytes, time_s: int) -> str:
    """Value of the header that proves a webhook."""
    return f"t={time_s},v1={hmac.new(key, b'%d.%s' % (time_s, body), hashlib.sha256).hexdigest()}"


def channel_of(route: NotificationRoute, secrets: Path, log: StructuredLog) -> Channel:
    """Make the channel of a route. Raises Misuse when its secret is missing or no address of its kind."""
    if route.kind == "log":
        return LogChannel(route.name, log)
    secret = secret_of(route.secretref, secrets)
    return WebhookChannel(route.name, secret) if route.kind == "webhook" else AppriseChannel(route.name, route.kind, secret)


def channels_of(routes: Iterable[NotificationRoute], secrets: Path, log: StructuredLog) -> dict[str, Channel]:
    """Make every channel, by its name. Raises Misuse for the first that cannot be made."""
    return {route.name: channel_of(route, secrets, log) for route in routes}


def clean(text: str) -> str:
    """A text as it may leave: no secrets by their place in it, no control characters, no end."""
    told = "".join(one if one == "\n" or one.isprintable() else " " for one in str(shown("", text)))
    return told[:4_000]
