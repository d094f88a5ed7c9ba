"""TLS of the gateway: a certificate that is valid now, a key that nobody else reads, and both again when their files change."""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from b25.model.errors import Misuse
from b25.runner.structured_log import StructuredLog

LOOK_S: Final = 5.0
SOON: Final = timedelta(days=14)
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Certificate:
    """A certificate and its key, in a context for servers.

    Parameters
    ----------
    certificate, key : Path
    now : callable
        Local clock.

    Raises
    ------
    Misuse
        When one is missing, unfit for the other, over, not valid yet, or the key can be read by others.
    """

    def __init__(self, certificate: Path, key: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.certificate, self.key, self.now = certificate, key, now
        self.expires = self._check()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_ciphers(CIPHERS)
        self.context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        self._load(self.context)
        self._seen = self._stamp()

    def _stamp(self) -> tuple[int, int]:
        return self.certificate.stat().st_mtime_ns, self.key.stat().st_mtime_ns

    def _check(self) -> datetime:
        for path in (self.certificate, self.key):
            if not path.is_file():
                raise Misuse(f"{path} is missing", remedy="name files in [gateway] tls_certificate and tls_key")
        mode = stat.S_IMODE(self.key.stat().st_mode)
        if mode & 0o077:
            raise Misuse(f"the key {self.key} can be read by others (mode {mode:04o})", remedy=f"chmod 600 {self.key}")
        try:
            found = x509.load_pem_x509_certificates(self.certificate.read_bytes())[0]
        except (ValueError, IndexError):
            raise Misuse(f"{self.certificate} holds no certificate", remedy="give a PEM file, the server's own first") from None
        if not found.not_valid_before_utc <= self.now():
            raise Misuse(
                f"the certificate is not valid before {found.not_valid_before_utc}", remedy="check the clock, or renew it"
            )
        if found.not_valid_after_utc <= self.now():
            raise Misuse(f"the certificate expired at {found.not_valid_after_utc}", remedy=f"renew {self.certificate}")
        return found.not_valid_after_utc

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (ssl.SSLError, OSError):
            raise Misuse(f"{self.key} is not the key of {self.certificate}", remedy="give the two that belong together") from None

    def renew(self) -> bool:
        """Take the files as they are now, if they changed; connections that are there keep what they began with.

        Raises
        ------
        Misuse
            When they are not fit; the old ones are kept.
        """
        try:
            stamp = self._stamp()
        except OSError:
            raise Misuse(f"{self.certificate} or its key is gone", remedy="put it back; the old one serves on") from None
        if stamp == self._seen:
            return False
        expires = self._check()
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # one that fails must not leave the context in use half changed
        self._load(self.context)
        self._seen, self.expires = stamp, expires
        return True

    async def watch(self, log: StructuredLog) -> None:
        """Look at the files for ever."""
        told = ""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if self.renew():
                    log.info("a new certificate is in use", expires=self.expires.isoformat())
                told = ""
            except Misuse as fault:
                if fault.what != told:
                    told = fault.what
                    log.alarm("the new certificate is not taken", why=fault.what, remedy=fault.remedy)
