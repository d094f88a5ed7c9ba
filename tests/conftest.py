"""What every test has: no network, hypothesis profiles, a cache of compiled kernels, the reference data beside us."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.offline import refuse_outside_connections

ROOT = Path(__file__).resolve().parent.parent

# Compiled code is kept between runs; the folder is keyed by everything that decides it (b25/kernels/build.py). Set before
# b25.kernels is imported, and inherited by every process that a test starts.
os.environ.setdefault("B25_CACHE_DIR", str(ROOT / ".cache" / "kernels"))

# What a test tries is nobody's trial, and no test sees those of another run.
for _name in ("B25_TRIALS", "B25_SWEEPS"):
    os.environ.setdefault(_name, tempfile.mkdtemp(prefix="b25-tests-"))

# No deadline: the first call compiles, and hypothesis would call that slow.
FORGIVEN = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("full", deadline=None, max_examples=100, suppress_health_check=FORGIVEN)
settings.register_profile("brief", deadline=None, max_examples=50, suppress_health_check=FORGIVEN)
# With the JIT off a kernel is a thousand times slower.
settings.register_profile("interpreted", deadline=None, max_examples=15, suppress_health_check=FORGIVEN)
settings.load_profile(os.environ.get("B25_HYPOTHESIS", "full"))


def pytest_configure(config: pytest.Config) -> None:
    refuse_outside_connections()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data beside the project; it is not part of it, so a test that needs it may be skipped.

    Not under CI=true: there tests/run.py counts such a skip as a failure.
    """
    folder = Path(os.environ.get("B25_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the folder ../shared (or B25_SHARED); there is no {folder.name} here")
    return folder
