"""Where a turn's milliseconds go: ``make profile`` (``python -m benchmarks.profiling``).

py-spy looks 100 times a second into Rasa, the action server and the app under the load of 16 users, on our side and on stock
Rasa's. Shares of samples times the CPU milliseconds that the process used for a turn give milliseconds by layer. Writes flame
graphs to `.chebao/profile/`, the plot to `docs/performance.svg` and the table into `docs/performance.md`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks import customers, sides
from benchmarks.layers import LAYERS, shares
from benchmarks.sides import Side
from benchmarks.speed import load
from benchmarks.stock import runtime
from chebao.settings import ROOT, get_settings
from tests.running import free_ports, running_stack

_USERS, _SECONDS, _RATE = 16, 20, 100
_MIX = {"claim": 5, "renewal": 4, "interruptions": 3, "new_policy": 2}
_PAGE, _PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.svg"
_MARKED = re.compile(r"(<!-- figures of make profile -->\n).*(<!-- end -->)", re.DOTALL)
_TITLES = {"rasa": "Rasa", "actions": "action server", "app": "app", "postgres": "PostgreSQL"}

Costs = dict[tuple[str, str], float]
"""(process, layer) → CPU milliseconds a turn."""


def profiled(side: Side, script: Sequence[customers.Conversation], folder: Path) -> Costs:
    """The costs of a turn on one side; flame graphs stand in `folder`."""
    costs: Costs = {}
    watched = {name: group[0].pid for name, group in side.processes().items() if name in LAYERS}
    for form in ("flamegraph", "raw"):
        spies = {
            name: _spy(pid, form, folder / f"{side.name}-{name}.{'svg' if form == 'flamegraph' else 'raw'}")
            for name, pid in watched.items()
        }
        done = _load_for(side, script, _SECONDS)
        for spy in spies.values():
            spy.wait(timeout=60)
    turns, cpu = done
    for process, seconds in cpu.items():
        each = seconds * 1000 / turns
        if process in LAYERS:
            lines = (folder / f"{side.name}-{process}.raw").read_text(encoding="utf-8").splitlines()
            costs |= {(process, layer): share * each for layer, share in shares(process, lines).items()}
        else:
            costs[process, "statements"] = each
    return costs


def _spy(pid: int, form: str, target: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--format", form]
    command += ["--rate", str(_RATE), "--duration", str(_SECONDS), "--nonblocking", "--output", str(target)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _load_for(side: Side, script: Sequence[customers.Conversation], seconds: float) -> tuple[int, dict[str, float]]:
    """Rounds of load until about `seconds` are over: turns, and CPU seconds by process."""
    turns, spent, cpu = 0, 0.0, dict[str, float]()
    while spent < seconds:
        done = load(side, _USERS, customers.rounds(script, 2 * _USERS))
        turns += done.measured["all_turns"]
        spent += done.measured["wall_s"]
        cpu = {name: cpu.get(name, 0.0) + used for name, used in done.cpu_s.items()}
    return turns, cpu


def markdown(stock: Costs, mine: Costs) -> str:
    """The table of both sides."""
    lines = ["| process | layer | stock, ms | Chebao, ms |", "|---|---|---|---|"]
    for process in _TITLES:
        layers = [layer for layer, _ in LAYERS.get(process, ())] or ["statements"]
        for layer in layers:
            before, after = stock.get((process, layer)), mine.get((process, layer))
            if before or after:
                lines.append(f"| {_TITLES[process]} | {layer} | {_ms(before)} | {_ms(after)} |")
    lines.append(f"| **all** | | **{sum(stock.values()):.1f}** | **{sum(mine.values()):.1f}** |")
    return "\n".join(lines) + "\n"


def _ms(value: float | None) -> str:
    return f"{value:.2f}" if value else "–"


def plot(stock: Costs, mine: Costs, target: Path) -> None:
    """One bar a side, one piece a layer, labelled where there is room."""
    mpl.rcParams |= {"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 11, "svg.hashsalt": "chebao"}
    figure, axes = plt.subplots(figsize=(11, 6.2))
    keys = [key for process in _TITLES for key in {**stock, **mine} if key[0] == process]
    colours = [mpl.colormaps["tab20"](n % 20) for n in range(len(keys))]
    widest = max(sum(stock.values()), sum(mine.values()))
    left = [0.0, 0.0]
    for key, colour in zip(keys, colours, strict=True):
        values = [mine.get(key, 0.0), stock.get(key, 0.0)]
        axes.barh([0, 1], values, left=left, color=colour, edgecolor="white", label=f"{_TITLES[key[0]]}: {key[1]}")
        for row, value in enumerate(values):
            if value > widest / 25:
                axes.text(left[row] + value / 2, row, f"{value:.1f}", ha="center", va="center", fontsize=10)
        left = [at + value for at, value in zip(left, values, strict=True)]
    for row, total in enumerate(left):
        axes.text(total + widest / 100, row, f"{total:.1f} ms", va="center", fontweight="bold")
    axes.set_yticks([0, 1], ["Chebao", "stock Rasa"])
    axes.set_xlim(0, widest * 1.12)
    axes.set_xlabel("CPU milliseconds a turn, all processes, under 16 users")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3, fontsize=9, frameon=False)
    figure.savefig(target, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def _write_page(table: str) -> None:
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()
    head = f"`make profile`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}:\n\n"
    page = _PAGE.read_text(encoding="utf-8")
    _PAGE.write_text(_MARKED.sub(lambda m: f"{m[1]}{head}{table}{m[2]}", page), encoding="utf-8")


def main() -> None:
    """Profiles both sides, one after the other."""
    runtime.train()
    folder = get_settings().data / "profile"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        with suppress(OSError):
            old.unlink()
    actions_port = free_ports(1)[0]
    with (
        tempfile.TemporaryDirectory(prefix="chebao-profile-") as data,
        running_stack(Path(data) / "data", CHEBAO_ACTIONS_PORT=str(actions_port)) as stack,
    ):
        script = customers.script(stack.url, _MIX)
        mine = profiled(sides.ours(stack), script, folder)
        with sides.stock(stack, actions_port, runtime.state() / "stock.log") as (side, _):
            stock = profiled(side, script, folder)
    table = markdown(stock, mine)
    plot(stock, mine, _PLOT)
    _write_page(table)
    print(table)
    print(f"Flame graphs: {folder}/*.svg; plot: {_PLOT}")
    print(json.dumps({"stock": sum(stock.values()), "chebao": sum(mine.values())}))


if __name__ == "__main__":
    main()
