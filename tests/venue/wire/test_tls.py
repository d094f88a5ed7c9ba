"""The certificate: made once, private, good for loopback names, and refused by whoever does not trust it."""

import asyncio
import ssl
import stat

import aiohttp
import pytest
from cryptography import x509

from b25.venue.wire.tls import certificate, server_context
from tests.venue.wire.venues import Client, fresh


def test_files_are_private_and_kept(tmp_path):
    folder = tmp_path / "new"
    cert, key = certificate(folder)
    before = cert.read_bytes(), key.read_bytes()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (cert, key)} == {0o600}
    assert certificate(folder) == (cert, key)
    assert (cert.read_bytes(), key.read_bytes()) == before
    names = x509.load_pem_x509_certificate(before[0]).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "127.0.0.1" in [str(name) for name in names.get_values_for_type(x509.IPAddress)]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_broken_certificate_is_made_again(tmp_path):
    cert, _ = certificate(tmp_path)
    cert.write_text("nonsense")
    server_context(tmp_path)
    assert b"BEGIN CERTIFICATE" in cert.read_bytes()


def test_clients(tmp_path):
    async def run():
        venue = fresh(tmp_path)
        async with venue, Client(venue) as client:
            assert await client.get("/api/v3/ping") == {}
            async with aiohttp.ClientSession() as stranger:
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await stranger.get(f"{venue.rest_url}/api/v3/ping")
                async with stranger.get(f"{venue.plain_url}/api/v3/ping") as got:
                    assert got.status == 200
            context = ssl.create_default_context(cafile=str(venue.cafile))
            by_name = venue.rest_url.replace("127.0.0.1", "localhost")
            async with aiohttp.ClientSession() as named, named.get(f"{by_name}/api/v3/ping", ssl=context) as got:
                assert got.status == 200

    asyncio.run(run())
