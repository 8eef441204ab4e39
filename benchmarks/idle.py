"""Start time and idle memory of the whole stack: ``make measure-idle``.

PSS is summed over every process of the stack, PostgreSQL's included. The last line is JSON.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import psutil

from tests.running import RunningStack, running_stack

_SETTLE_SECONDS = 5


def pss_by_process(stack: RunningStack) -> dict[str, float]:
    """PSS in MB: the three servers by name, PostgreSQL's processes together, runner and supervisor together."""
    megabytes = {"postgres": 0.0, "runner": 0.0}
    servers = {process.pid: name for name, process in stack.children().items()}
    ours = {stack.process.pid, *(p.pid for p in psutil.Process(stack.process.pid).children(recursive=True))}
    postmaster = int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0])
    database = {postmaster, *(p.pid for p in psutil.Process(postmaster).children())}
    for pid in ours | database:
        name = servers.get(pid) or ("postgres" if pid in database else "runner")
        megabytes[name] = megabytes.get(name, 0.0) + psutil.Process(pid).memory_full_info().pss / 1e6
    return {name: round(size, 1) for name, size in sorted(megabytes.items())}


def main() -> None:
    """Starts twice on the same data; the second start is the one that counts as a later start."""
    with tempfile.TemporaryDirectory(prefix="chebao-idle-") as folder:
        data = Path(folder) / "data"
        with running_stack(data) as first:
            first_start = first.started_in
        with running_stack(data) as second:
            time.sleep(_SETTLE_SECONDS)
            sizes = pss_by_process(second)
            later_start = second.started_in
    figures = {
        "first_start_s": round(first_start, 1),
        "later_start_s": round(later_start, 1),
        "idle_pss_mb": round(sum(sizes.values()), 1),
        "pss_mb": sizes,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
