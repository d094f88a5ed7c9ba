"""A whole platform, and a gateway beside it: every metric that is declared is told, and nothing else."""

import asyncio
import re
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from b25.api.app import make_app
from b25.api.gateway import Gateway
from b25.api.platform_metrics import PlatformMetrics
from b25.api.request_meter import RequestMeter
from b25.config.settings import Settings
from b25.observe.declared import DECLARED, series_names
from b25.store.store import open_store
from tests.api.conftest import AS, TestAuthenticator

IDS = re.compile(r"b25-[a-z0-9]{5,}|[0-9a-f]{12,}")


@pytest.fixture(scope="module")
def told(platform, tmp_path_factory):
    """What the gateway tells of the platform."""
    folder = tmp_path_factory.mktemp("gateway")
    settings = Settings(database_url=f"sqlite:///{folder}/own.db", run_folder=platform.run, secrets_folder=folder / "secrets")
    store = open_store(settings.database_url, readers=2)
    gateway = Gateway(settings=settings, store=store, now_ns=time.time_ns, authenticator=TestAuthenticator())
    metrics = PlatformMetrics(gateway)
    gateway.join(metrics)
    app = make_app(gateway)
    app.add_middleware(RequestMeter, meter=metrics.meter)

    async def ask():
        await gateway.start()
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
        assert (await client.get("/metrics")).status_code == 401
        await asyncio.sleep(0.3)
        answer = await client.get("/metrics", headers={AS: "service"})
        answer = await client.get("/metrics", headers={AS: "service"})
        await gateway.stop()
        await client.aclose()
        assert answer.status_code == 200
        return answer.text

    text = asyncio.run(ask())
    store.close()
    return text


@pytest.mark.spec("OB-01", "OB-04", "OB-N1", "OB-13", "MD-19", "SE-26", "OE-20", "RM-26", "AM-20", "G26")
def test_every_declared_metric_is_told_by_what_runs(told):
    counted = {}
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            counted.setdefault(sample.name, []).append(sample.value)
    missing = {
        name: "no series" if not any(one in counted for one in series_names(metric)) else "never observed"
        for name, metric in DECLARED.items()
        if not any(one in counted for one in series_names(metric))
        or (metric.kind == "histogram" and not sum(counted.get(f"{name}_count", [])))
    }
    assert missing == {}


@pytest.mark.spec("OB-03")
def test_series_are_named_as_agreed_bounded_and_bear_no_ids(told):
    names, count = set(), 0
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            count += 1
            names.add(sample.name)
            assert {"component", "session"} <= set(sample.labels), sample
            for label, value in sample.labels.items():
                assert not IDS.search(value), (sample.name, label, value)
    assert {name for metric in DECLARED.values() for name in series_names(metric)} >= names
    assert all(re.fullmatch(r"b25_[a-z]+_[a-z0-9_]+", name) for name in names)
    assert count < 1_000  # of one session; a million is a thousand of them


def test_what_a_process_counts_grows_from_one_scrape_to_the_next(platform):
    def events():
        found = re.search(r"^b25_session_events_total\{.*\} (\d+)$", platform.told(), re.MULTILINE)
        return int(found[1]) if found else 0

    before = events()
    platform.until(lambda: events() > before)


@pytest.mark.spec("TR-N1")
def test_no_secret_stands_in_what_is_told(platform, told):
    text = told + "".join(platform.told(name) for name in ("busy", "kill")) + platform.logs()
    assert [what for what, secret in platform.secrets().items() if secret in text] == []
