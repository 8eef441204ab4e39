"""Work that goes on beside everything else until it is stopped."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def stop(task: asyncio.Task[None] | None) -> None:
    """Cancels a task and waits until it has ended; one that was never begun is nothing to do."""
    if task:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
