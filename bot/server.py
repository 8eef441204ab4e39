"""Serves a trained model: one worker, our channel, and of Rasa what answers a turn (no HTTP API, no other channels)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from functools import partial
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import register
from rasa.core.tracker_store import TrackerStore
from rasa.shared.utils.common import class_from_module_path
from rasa.shared.utils.io import read_yaml_file
from rasa.utils.endpoints import EndpointConfig
from sanic import Sanic

from bot import lean, patches, reload
from bot.tracker_store import LiveTrackerStore
from chebao.settling import settle

logger = logging.getLogger(__name__)


def run(archive: Path, host: str, port: int) -> None:
    """Runs until SIGTERM or SIGINT; running turns end first."""
    patches.trust_the_model()
    channels = read_yaml_file("credentials.yml")
    endpoints = read_yaml_file("endpoints.yml")
    app = Sanic("chebao_rasa", configure_logging=False)
    app.config.ACCESS_LOG = False
    app.config.REQUEST_MAX_SIZE = 1_000_000
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 10
    register([class_from_module_path(name).from_credentials(c) for name, c in channels.items()], app, "/webhooks/")
    app.register_listener(partial(_load, archive, endpoints), "before_server_start")
    app.register_listener(_stop_watching, "before_server_stop")
    app.run(host=host, port=port, workers=1, access_log=False, debug=False, motd=False, backlog=512)


async def _load(archive: Path, endpoints: dict[str, Any], app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
    """Loads the agent; a model that cannot be loaded ends the process with one sentence."""
    store = TrackerStore.create(EndpointConfig.from_dict(endpoints["tracker_store"]))
    if not isinstance(store, LiveTrackerStore):
        sys.exit("Our tracker store is not in force: see tracker_store in endpoints.yml, and the version of Rasa.")
    actions = EndpointConfig.from_dict(endpoints["action_endpoint"])
    app.ctx.agent = Agent.load(archive, tracker_store=store, action_endpoint=actions)
    lean.seal()
    settle()
    app.ctx.reload = loop.create_task(reload.watch(app.ctx.agent, archive.parent))
    logger.info("ready to serve on this process's own port")


async def _stop_watching(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
    app.ctx.reload.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await app.ctx.reload
