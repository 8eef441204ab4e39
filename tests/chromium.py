"""Finds Chromium for the browser tests, or installs it: ``python -m tests.chromium`` prints its path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

DEFAULT = "/usr/bin/chromium"


def find() -> str | None:
    """The browser named by CHEBAO_CHROMIUM, Debian's, or Playwright's own."""
    for candidate in (
        os.environ.get("CHEBAO_CHROMIUM", DEFAULT),
        shutil.which("chromium"),
        shutil.which("google-chrome"),
    ):
        if candidate and Path(candidate).exists():
            return candidate
    return None


def install() -> None:
    """By apt where we are root, else by Playwright (which then finds its browser by itself)."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium and a Chinese font …", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "chromium", "fonts-noto-cjk"], check=True, stdout=subprocess.DEVNULL
        )
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    if find() is None:
        install()
    print(f"Chromium: {find() or 'from Playwright'}")
