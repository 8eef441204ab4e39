"""What has left this machine: notes in a file, because a file's pages outlive a process that is killed.

Between the committed intent (`sending`) and the first byte on the wire an event loop may do much else. Of a reply found `sending`
after a crash the note tells which side of that gap it was on: without one nobody can have got it, and it is sent; with one it
stays unconfirmed. A machine that is lost takes its notes with it: then everything found `sending` is unconfirmed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

_KEPT = timedelta(days=1)


class Wire:
    """The notes of this machine, shared by its processes.

    Args:
        folder: belongs to this machine alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day, self._file = "", -1
        folder.mkdir(parents=True, exist_ok=True)
        named = folder / "host"
        if not named.exists():
            mine = folder / f".{uuid4().hex}"
            mine.write_text(uuid4().hex, encoding="ascii")
            mine.replace(named)
        self.host = named.read_text(encoding="ascii")

    def leaving(self, ids: Iterable[int]) -> None:
        """Notes that the bytes of these messages go out now; to be called right before they do."""
        self._note(f"{number}\n" for number in ids)

    def stayed(self, ids: Iterable[int]) -> None:
        """Takes back what was noted of these: the platform said that it did not take them."""
        self._note(f"-{number}\n" for number in ids)

    def left(self) -> set[int]:
        """Every message noted today or yesterday."""
        found: set[int] = set()
        for notes in sorted(self._folder.glob("left-*")):
            for number in map(int, notes.read_bytes().split()):
                if number > 0:
                    found.add(number)
                else:
                    found.discard(-number)
        return found

    def _note(self, lines: Iterable[str]) -> None:
        day = f"{datetime.now(UTC):%Y%m%d}"
        if day != self._day:
            self.close()
            self._file = os.open(self._folder / f"left-{day}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            self._day = day
            self._forget_old(day)
        os.write(self._file, "".join(lines).encode())

    def close(self) -> None:
        """Ends the writing."""
        if self._file >= 0:
            os.close(self._file)
        self._day, self._file = "", -1

    def _forget_old(self, today: str) -> None:
        oldest = f"left-{datetime.strptime(today, '%Y%m%d').replace(tzinfo=UTC) - _KEPT:%Y%m%d}"
        for notes in self._folder.glob("left-*"):
            if notes.name < oldest:
                notes.unlink(missing_ok=True)
