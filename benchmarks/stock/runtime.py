"""Environment, training, parsing and serving of stock Rasa, all through Rasa's own command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.stock import project
from chebao.settings import ROOT, get_settings

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
UV = ROOT / ".tools" / "uv" / "bin" / "uv"
_MODEL = "stock.tar.gz"


class StockFailed(Exception):
    """The baseline cannot be made; the text says why."""


def state() -> Path:
    """Where project and model are kept."""
    return get_settings().data / "stock"


def model() -> Path:
    """The trained model's archive."""
    return state() / "models" / _MODEL


def train() -> dict[str, Any]:
    """The record ``{fingerprint, training_s, model}`` of a model that fits the data, training one where there is none."""
    record = state() / "trained.json"
    state().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=state()) as scratch:
        fresh = Path(scratch) / "project"
        fingerprint = project.write(fresh)
        if record.exists() and model().exists():
            known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
            if known["fingerprint"] == fingerprint:
                return known | {"model": str(model())}
        shutil.rmtree(state() / "project", ignore_errors=True)
        fresh.rename(state() / "project")
    _sync()
    print("Training stock Rasa (DIET and TED, several minutes) …", file=sys.stderr, flush=True)
    began = time.monotonic()
    arguments = ["train", "--force", "--fixed-model-name", "stock", "--out", str(state() / "models")]
    if _rasa(arguments, sys.stderr.fileno()).wait() != 0 or not model().exists():
        raise StockFailed("the training failed (see above)")
    known = {"fingerprint": fingerprint, "training_s": round(time.monotonic() - began, 1)}
    record.write_text(json.dumps(known), encoding="utf-8")
    return known | {"model": str(model())}


def parse() -> int:
    """Understands the standard input, one JSON text a line."""
    command = [str(PYTHON), str(HERE.parent / "understand.py"), str(model())]
    return subprocess.call(command, env=_environment(), cwd=state() / "project")


def serve(port: int, environment: dict[str, str], log: int) -> subprocess.Popen[bytes]:
    """Starts ``rasa run`` with the REST channel; the caller ends it.

    Args:
        environment: STOCK_DATABASE_URL and CHEBAO_ACTIONS_URL.
    """
    arguments = ["run", "--model", str(model()), "--port", str(port), "--interface", "127.0.0.1"]
    arguments += ["--credentials", "credentials.yml", "--endpoints", "endpoints.yml"]
    return _rasa(arguments, log, environment)


def _sync() -> None:
    print("Preparing the stock environment …", file=sys.stderr, flush=True)
    if subprocess.call([str(UV), "sync", "--frozen", "--quiet", "--project", str(HERE)]) != 0:
        raise StockFailed("its environment could not be made (see above)")


def _rasa(arguments: list[str], log: int, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    command = [str(PYTHON), "-m", "rasa", *arguments]
    everything = _environment() | (environment or {})
    return subprocess.Popen(command, env=everything, cwd=state() / "project", stdout=log, stderr=log)


def _environment() -> dict[str, str]:
    """Rasa's defaults, except for what is sent home and printed."""
    unwanted = ("PYTHONPATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    kept = {k: v for k, v in os.environ.items() if k not in unwanted}
    return kept | {
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONWARNINGS": "ignore",
        "LOG_LEVEL": "INFO",
    }
