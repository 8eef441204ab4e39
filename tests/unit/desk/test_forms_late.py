"""What the app's start does not wait for."""

from __future__ import annotations

import subprocess
import sys


def test_the_app_starts_without_the_dialogues() -> None:
    """They are 49 MB and seconds, and come with the first who sits down at the desk."""
    asked = "import sys, chebao.app; sys.exit(sum(name.partition('.')[0] == 'actions' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], check=False, timeout=60).returncode == 0
