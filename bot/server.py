"""Serves a trained model: Rasa's own application without its HTTP API, one worker, our channel."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

from rasa.core import run as rasa_run
from rasa.core.utils import AvailableEndpoints
from sanic import Sanic

from bot.tracker_store import LiveTrackerStore

logger = logging.getLogger(__name__)


def run(archive: Path, host: str, port: int) -> None:
    """Runs until SIGTERM or SIGINT; running turns end first."""
    endpoints = AvailableEndpoints.read_endpoints("endpoints.yml")
    channels = rasa_run.create_http_input_channels(None, "credentials.yml")
    app: Sanic = rasa_run.configure_app(channels, enable_api=False, endpoints=endpoints, port=port)
    app.config.ACCESS_LOG = False
    app.config.REQUEST_MAX_SIZE = 1_000_000
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 10
    app.register_listener(partial(_load, str(archive), endpoints), "before_server_start")
    app.register_listener(rasa_run.close_resources, "after_server_stop")
    app.run(host=host, port=port, workers=1, access_log=False, debug=False, motd=False, backlog=512)


def _settle() -> None:
    """Gives back what loading has left over: the freed heap, and the collector's work on what stays for good."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


async def _load(archive: str, endpoints: AvailableEndpoints, app: Sanic, loop: asyncio.AbstractEventLoop) -> Any:
    """Loads the agent; a model that cannot be loaded ends the process with one sentence."""
    agent = await rasa_run.load_agent_on_start(archive, endpoints, None, app, loop)
    if not agent.is_ready():
        sys.exit("The model cannot be loaded: train it again with `make train`.")
    if not isinstance(agent.processor.tracker_store, LiveTrackerStore):
        sys.exit("Our tracker store is not in force: see tracker_store in endpoints.yml, and the version of Rasa.")
    _settle()
    logger.info("ready to serve on this process's own port")
    return agent
