"""Serving leaves out what it does not use, and says so where it is used after all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot import lean
from bot.tests.conftest import ROOT

CHECK = """
import sys
from bot import lean
assert lean.install()
import matplotlib.pyplot, sqlalchemy.orm
class Chart(matplotlib.pyplot.Figure):
    pass
try:
    raise KeyError
except (sqlalchemy.exc.OperationalError, KeyError):
    pass
named = lambda: None
assert matplotlib.pyplot.decorated(named) is named
lean.seal()
for use in (Chart, matplotlib.pyplot.figure):
    try:
        use()
    except lean.LeftOut as error:
        assert "bot/lean.py" in str(error)
    else:
        raise SystemExit("a stand-in was used")
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)


def test_a_stand_in_bears_imports_and_refuses_work() -> None:
    result = python(CHECK)
    assert result.returncode == 0, result.stderr


def test_serving_imports_nothing_that_is_left_out() -> None:
    real = python(
        "import sys; from bot import lean; lean.install()\n"
        "import bot.run; bot.run.prepare()\n"
        "import bot.server, bot.channel\n"
        "left = [n for names in lean.NOT_SERVED.values() for n in names]\n"
        "print(*[n for n in left if getattr(sys.modules.get(n), '__file__', None)])"
    )
    assert real.returncode == 0, real.stderr
    assert real.stdout.split() == []


def test_another_version_of_rasa_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.meta_path)
    monkeypatch.setattr(lean, "VERSION", "3.6.22")
    assert lean.install() is False
    assert sys.meta_path == before
