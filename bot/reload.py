"""A newly activated model is taken up by the running server: no restart, no turn lost, live conversations stay."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path

from rasa.core.agent import Agent
from rasa.core.processor import MessageProcessor

from bot import model

logger = logging.getLogger(__name__)

LOOK_EVERY = 3.0


async def watch(agent: Agent, folder: Path) -> None:
    """Looks at the record of the active model for ever, and swaps the agent's model when another one was activated."""
    loop = asyncio.get_running_loop()
    seen = _stamp(folder)
    while True:
        await asyncio.sleep(LOOK_EVERY)
        stamp = _stamp(folder)
        if stamp == seen:
            continue
        archive = await loop.run_in_executor(None, model.trusted, folder)
        if archive is None:  # being written, or not what was trained: looked at again
            continue
        seen = stamp
        try:
            processor = await loop.run_in_executor(None, partial(_load, agent, archive))
        except Exception as error:
            logger.error("the activated model cannot be loaded (%s): the one before stays", type(error).__name__)
            continue
        if processor.domain.fingerprint() != agent.domain.fingerprint():
            logger.error("the activated model has another domain: restart Rasa to serve it")
            continue
        agent.processor = processor
        logger.info("serving the newly activated model")


def _load(agent: Agent, archive: Path) -> MessageProcessor:
    return MessageProcessor(
        model_path=archive,
        tracker_store=agent.tracker_store,
        lock_store=agent.lock_store,
        action_endpoint=agent.action_endpoint,
        generator=agent.nlg,
    )


def _stamp(folder: Path) -> int:
    try:
        return (folder / model.RECORD).stat().st_mtime_ns
    except OSError:
        return 0
