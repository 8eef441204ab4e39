"""The OCR process: started with the first picture, asked one picture at a time, ended when nobody has asked for a while."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import suppress
from pathlib import Path

from chebao.documents import licences
from chebao.logs import line

log = logging.getLogger(__name__)

_IDLE_SECONDS = 300.0


class Reader:
    """Reads licences on pictures; whatever goes wrong, the answer is "nothing legible", never an error."""

    def __init__(self, patience: float = 8.0) -> None:
        self._patience = patience
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def read(self, picture: Path) -> dict[str, str]:
        """What `licences.read` makes of the picture; empty where it shows no licence or takes too long."""
        try:
            async with asyncio.timeout(self._patience), self._turn:
                return licences.read(await self._ask(picture))
        except TimeoutError:
            log.warning(line("document_not_read", reason="timeout"))
        except (OSError, ValueError, EOFError) as error:
            log.warning(line("document_not_read", reason=type(error).__name__))
        await self.stop()
        return {}

    async def warm_up(self) -> None:
        """Starts the process, ahead of a picture that was just asked for."""
        async with self._turn:
            await self._ensure()

    async def stop(self) -> None:
        """Ends the process; the next picture starts another."""
        if self._idle:
            self._idle.cancel()
        process, self._process = self._process, None
        if process and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _ask(self, picture: Path) -> list[licences.Line]:
        process = await self._ensure()
        assert process.stdin and process.stdout
        process.stdin.write(f"{picture}\n".encode())
        await process.stdin.drain()
        answer = await process.stdout.readline()
        if not answer:
            raise EOFError
        self._end_when_idle()
        return [licences.Line(*found) for found in json.loads(answer)]

    async def _ensure(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "chebao.documents.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=1 << 20,
            )
            self._end_when_idle()
        return self._process

    def _end_when_idle(self) -> None:
        if self._idle:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(_IDLE_SECONDS, lambda: loop.create_task(self.stop()))
