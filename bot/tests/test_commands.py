"""Rasa's own commands go on working beside our patches; train, validate and test are parts of `make test` themselves."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from bot.tests.conftest import ROOT, environment_of, free_port
from bot.tests.fake_actions import FakeActions


def test_the_shell_answers_and_ends(data_folder: Path, actions: FakeActions) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.run", "shell", "--port", str(free_port())],
        env=environment_of(data_folder, CHEBAO_ACTIONS_URL=actions.url, TERM="dumb"),
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        shown_until(ours, "Your input")
        os.write(ours, "你好\r".encode())
        shown_until(ours, "您好")
        os.write(ours, b"/stop\r")
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        os.close(ours)


def shown_until(terminal: int, words: str, seconds: float = 90) -> str:
    """What the terminal shows up to these words."""
    shown, until = b"", time.monotonic() + seconds
    while words.encode() not in shown:
        assert select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0], shown.decode(errors="replace")
        shown += os.read(terminal, 65536)
    return shown.decode(errors="replace")
