"""Run the parts of a sweep on a Dask cluster: the very same code on the very same bars, so the very same figures."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from b25.engine.sweep import SweepWorker
from b25.model.bar_run import POINT
from b25.model.errors import Misuse, Retry
from b25.research.bar_backtest import BarPlan
from b25.strategy.compile import compile_strategy

CONNECT_S = 10
DEATHS_MAX = 5  # workers that may die over one part before it is taken for its fault

_workers: dict[str, SweepWorker] = {}


@dataclass
class Cluster:
    """Workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, e.g. ``"tcp://10.0.0.5:8786"``; or a `distributed.Client`.
    plan : BarPlan
    fixed : dict
        Parameters that are the same in all points.
    key : str
        Names the plan on the workers, which keep what they made for it.
    length : int
        Points of a part.
    """

    address: Any
    plan: BarPlan
    fixed: Mapping[str, Any]
    key: str
    length: int
    width: int = field(init=False)

    def __post_init__(self) -> None:
        try:
            import cloudpickle
            import distributed
        except ImportError:
            raise Misuse("cluster=… needs distributed", remedy="pip install 'b25[cluster]'") from None
        self._distributed: Any = distributed
        distributed_config = {"distributed.scheduler.allowed-failures": DEATHS_MAX}
        import dask

        dask.config.set(distributed_config)
        self._ours = not isinstance(self.address, distributed.Client)
        if self._ours:
            try:
                self.client: Any = self._distributed.Client(self.address, timeout=CONNECT_S, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as fault:
                raise Misuse(
                    f"no cluster answers at {self.address!r} ({type(fault).__name__})",
                    remedy="start one (dask scheduler; dask worker tcp://…), or leave cluster out to use this machine",
                ) from None
        else:
            self.client = self.address
        module = sys.modules.get(self.plan.cls.__module__)
        if module is not None and not module.__name__.startswith("b25."):
            # A strategy's file or notebook is not on the workers: the class travels whole.
            cloudpickle.register_pickle_by_value(module)
        payload = cloudpickle.dumps((self.plan, dict(self.fixed)))
        threads = self.client.nthreads()
        if not threads:
            raise Misuse(f"the cluster at {self.address!r} has no worker", remedy="start some: dask worker tcp://…")
        self.width = sum(threads.values())
        [self.payload] = self.client.scatter([payload], broadcast=True, hash=True)

    def submit(self, columns: Mapping[str, np.ndarray]) -> Any:
        """Begin a part."""
        return self.client.submit(run_part, self.payload, self.key, dict(columns), pure=False)

    def wait_any(self, futures: set[Any]) -> set[Any]:
        """Wait until one of them is done; a part whose worker died is run by another."""
        done = self._distributed.wait(list(futures), return_when="FIRST_COMPLETED").done
        for future in done:
            if future.status == "error" and isinstance(future.exception(), self._distributed.KilledWorker):
                raise Retry(
                    f"{DEATHS_MAX} workers of {self.address!r} died over one part", remedy="give them more memory, then go on"
                )
        return set(done)

    def cancel(self) -> None:
        """Give the connection back; what is under way ends with its futures."""
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        if self._ours:
            self.client.close()


def run_part(payload: bytes, key: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Run one part on a worker; it keeps its compiled strategy and its engine for the next one."""
    import threading

    import cloudpickle

    name = f"{key}:{threading.get_ident()}"
    worker = _workers.get(name)
    if worker is None:
        plan, fixed = cloudpickle.loads(payload)
        worker = SweepWorker(plan.cls, fixed, plan.tracks(), plan.setup(), compile_strategy(plan.cls))
        for old in [k for k in _workers if not k.startswith(key)]:
            _workers.pop(old, None)
        _workers[name] = worker
    results = np.zeros(next(iter(columns.values())).size, POINT)
    worker.run(columns, results)
    return results
