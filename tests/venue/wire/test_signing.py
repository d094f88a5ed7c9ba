"""Signatures over raw bytes: Binance's own example, every kind of key, and everything that is nearly right."""

import asyncio
import base64
import hashlib
import hmac
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from b25.model.errors import Misuse
from b25.venue.wire.signing import hmac_verifier, is_percent_encoded, public_key_verifier, split_signature, ws_payload
from tests.venue.wire.venues import Client, account, fresh, order, signed

# The example of the exchange's own documents.
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - public
QUERY = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
SIGNATURE = b"c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
SPLIT_QUERY, SPLIT_BODY = QUERY[:44], QUERY[44:].removeprefix(b"&")


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_documented_example():
    verify = hmac_verifier(SECRET)
    assert verify(QUERY, SIGNATURE)
    assert verify(QUERY, SIGNATURE.upper())
    assert not verify(QUERY, SIGNATURE[:-1] + b"0")
    assert not verify(QUERY + b" ", SIGNATURE)
    assert not verify(QUERY, b"")
    assert not verify(QUERY, b"\xff" * 64)


def test_query_and_body_are_joined_without_an_ampersand():
    signature = b"signature=" + b"ab"
    assert split_signature(b"a=1", b"b=2&" + signature) == (b"a=1b=2", b"ab")
    assert split_signature(b"a=1&" + signature, b"") == (b"a=1", b"ab")
    assert split_signature(b"a=1&" + signature, b"b=2") == (b"a=1b=2", b"ab")
    assert split_signature(signature, b"") == (b"", b"ab")


@pytest.mark.parametrize("query", [b"signature=ab&a=1", b"xsignature=ab", b"", b"a=1"])
def test_signature_must_be_last(query):
    assert split_signature(query, b"")[1] == b""


def test_base64_signatures_come_percent_encoded():
    assert split_signature(b"a=1&signature=YWI%2BYw%3D%3D", b"")[1] == b"YWI+Yw=="


def test_rsa_and_ed25519():
    key = rsa.generate_private_key(65537, 2048)
    signature = base64.b64encode(key.sign(QUERY, padding.PKCS1v15(), SHA256()))
    verify = public_key_verifier(pem(key))
    assert verify(QUERY, signature)
    assert not verify(QUERY + b"0", signature)
    assert not verify(QUERY, b"no base64 !")
    edwards = ed25519.Ed25519PrivateKey.generate()
    verify = public_key_verifier(pem(edwards))
    assert verify(QUERY, base64.b64encode(edwards.sign(QUERY)))
    assert not verify(QUERY, signature)
    with pytest.raises(Misuse, match="no PEM"):
        public_key_verifier("nonsense")


def test_only_encoded_payloads_on_spot():
    assert is_percent_encoded(b"a=b%20c&d=1.5:-_~/,*()'!@$;")
    for raw in (b'a="b"', b"a=[1]", b"a={1}", b"a=b c", "a=ü".encode(), b"a=\x00"):
        assert not is_percent_encoded(raw)


def test_websocket_payload_is_sorted_and_not_encoded():
    assert ws_payload({"b": "x y", "a": 1, "c": True, "signature": "no"}) == b"a=1&b=x y&c=true"


def test_requests(tmp_path):
    """Right and nearly right requests, as the wire judges them."""

    async def run():
        venue = fresh(tmp_path)
        owner, key = account(venue.exchange)
        edwards = ed25519.Ed25519PrivateKey.generate()
        public = venue.exchange.make_key(owner, public_key=pem(edwards), kind="ED25519")
        async with venue, Client(venue, key) as client:
            # Ids with characters that are encoded on the way.
            answer = await client.signed("POST", "/api/v3/order", **order(newClientOrderId="b25:a/b_c-d.1"))
            assert answer["clientOrderId"] == "b25:a/b_c-d.1"
            # Half in the query, half in the body.
            payload = "timestamp={}&symbol=BTCUSDT".format(signed("x").split("&")[0].split("=")[1])
            digest = hmac.new(key.secret.encode(), (payload + "orderId=1").encode(), hashlib.sha256).hexdigest()
            assert (await client.ask("PUT", "/fapi/v1/order", payload, f"orderId=1&signature={digest}"))["code"] == -1102
            wrong = {"code": -1022, "msg": "Signature for this request is not valid."}
            payload = signed(key.secret, symbol="BTCUSDT")
            assert await client.ask("GET", "/api/v3/openOrders", payload[:-1] + ("0" if payload[-1] != "0" else "1")) == wrong
            assert client.status == 400
            assert await client.ask("GET", "/api/v3/openOrders", payload.replace("BTC", "ETH")) == wrong
            assert await client.ask("GET", "/api/v3/openOrders", "&".join(sorted(payload.split("&")))) == wrong
            # The Basic header of a client's address is ignored; keys are looked at first.
            options = {"headers": {"Authorization": "Basic ZGVtby1hcGk6"}}
            assert isinstance(await client.ask("GET", "/api/v3/openOrders", signed(key.secret), **options), list)
            for name, code in (("", -2014), ("bad key!", -2014), ("unknown", -2015)):
                answer = await client.ask("GET", "/api/v3/openOrders", payload, headers={"X-MBX-APIKEY": name})
                assert (client.status, answer["code"]) == (401, code)
            query = signed("x").rpartition("&")[0]
            made = quote(base64.b64encode(edwards.sign(query.encode())).decode(), safe="")
            answer = await client.ask(
                "GET", "/api/v3/openOrders", f"{query}&signature={made}", headers={"X-MBX-APIKEY": public.key}
            )
            assert isinstance(answer, list)
            # Keys do only what they may.
            for options, path, code in (
                ({"reading": False}, "/api/v3/openOrders", -2015),
                ({"spot": False}, "/api/v3/openOrders", None),
            ):
                other = venue.exchange.make_key(owner, **options)
                answer = await client.ask("GET", path, signed(other.secret), headers={"X-MBX-APIKEY": other.key})
                assert (answer["code"] if isinstance(answer, dict) else None) == code
            answer = await client.ask(
                "POST", "/api/v3/order", body=signed(other.secret, **order()), headers={"X-MBX-APIKEY": other.key}
            )
            assert answer["code"] == -2015
            venue.exchange.operations.revoke(key)
            assert (await client.signed("GET", "/api/v3/account"))["code"] == -2015
            assert not venue.core.surprises

    asyncio.run(run())


def test_listen_key_needs_no_signature(tmp_path):
    async def run():
        venue = fresh(tmp_path)
        _, key = account(venue.exchange)
        async with venue, Client(venue, key) as client:
            first = (await client.ask("POST", "/fapi/v1/listenKey"))["listenKey"]
            assert (await client.ask("POST", "/fapi/v1/listenKey"))["listenKey"] == first
            assert (await client.ask("PUT", "/fapi/v1/listenKey"))["listenKey"] == first
            assert await client.ask("DELETE", "/fapi/v1/listenKey") == {}
            assert (await client.ask("PUT", "/fapi/v1/listenKey"))["code"] == -1125
            assert client.status == 400

    asyncio.run(run())
