"""The head of the audit is kept elsewhere while the gateway runs, where the settings say so."""

import asyncio

import pytest

from b25.api.auth.anchoring import AuditAnchoring
from b25.api.compose import compose
from b25.config.settings import Settings
from b25.store.audit import append_audit


def composed(tmp_path, **more):
    return compose(
        Settings(
            database_url=f"sqlite:///{tmp_path}/database/b25.db",
            run_folder=tmp_path / "run",
            secrets_folder=tmp_path / "secrets",
            **more,
        )
    )


@pytest.mark.spec("AL-01", "SYS-N5")
def test_a_file_elsewhere_gets_the_head(tmp_path):
    path = tmp_path / "elsewhere" / "anchors"
    path.parent.mkdir()
    gateway = composed(tmp_path, audit_anchor=path)
    append_audit(gateway.store, actor="ann", action="test", body={}, now_ns=1)
    part = gateway.part(AuditAnchoring)

    async def live():
        part.start()
        await part.stop()

    asyncio.run(live())
    assert path.read_text().strip()
    gateway.store.close()


def test_without_the_setting_nothing_is_anchored(tmp_path):
    gateway = composed(tmp_path)
    assert AuditAnchoring not in gateway.parts
    gateway.store.close()
