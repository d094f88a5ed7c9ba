"""Keys, secrets and signatures appear in no log, text or repr; and no redirect carries them elsewhere."""

import asyncio
import logging

import pytest

from b25.venue.port.outcome import Answer
from b25.venue.port.requests import OrderRef
from tests.venue.ccxt.recorder import Recorder, Reply, by_path
from tests.venue.ccxt.venues import KEY, SIGNED_WITH, an_order, venue_at
from tests.venue.conformance.samples.read import samples


@pytest.mark.spec("S1")
def test_a_session_with_failures_logs_no_key_and_no_signature(caplog, capsys):
    caplog.set_level(logging.DEBUG)
    replies = {"DELETE /api/v3/order": Reply(fault="reset"), "GET /api/v3/order": Reply(502, b"<html>")}

    async def run():
        async with Recorder(by_path(samples() | replies)) as recorder, venue_at(recorder) as port:
            (await port.listings()).must()
            ref = OrderRef(symbol="BTC/USDT", client_id="b25-a")
            outcomes = [await port.submit(an_order()), await port.cancel(ref), await port.order(ref), await port.balances()]
            signatures = [f"{seen.query}{seen.body.decode()}".partition("signature=")[2] for seen in recorder.seen]
            return outcomes, [signature for signature in signatures if signature], repr(port.profile)

    outcomes, signatures, shown = asyncio.run(run())
    assert len(signatures) == 4
    captured = capsys.readouterr()
    told = caplog.text + captured.out + captured.err + shown + "".join(repr(outcome) for outcome in outcomes)
    for secret in (KEY, SIGNED_WITH, *signatures):
        assert secret not in told


@pytest.mark.spec("S14")
def test_a_redirect_is_not_followed():
    async def run():
        async with Recorder(by_path(samples())) as elsewhere:
            moved = Reply(307, b"", {"Location": f"{elsewhere.url}/api/v3/order"})
            table = samples() | {"POST /api/v3/order": moved}
            async with Recorder(by_path(table)) as recorder, venue_at(recorder) as port:
                (await port.listings()).must()
                return await port.submit(an_order()), elsewhere.seen

    outcome, elsewhere = asyncio.run(run())
    assert outcome.answer is Answer.UNKNOWN
    assert elsewhere == []
