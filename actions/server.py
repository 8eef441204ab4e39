"""Starts the action server: ``python -m actions.server``.

rasa-sdk registers every `Action` that is imported; here they all are. The articles are loaded before the port opens, so that
the first question waits for nothing.
"""

from __future__ import annotations

import logging
import sys

from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse, json

from actions import services
from chebao.insurance.files import DamagedFile
from chebao.knowledge.articles import ArticleError
from chebao.knowledge.encoder import EncoderMissing, require_encoder
from chebao.settings import get_settings
from chebao.settling import settle

ACTIONS_PACKAGE = "actions"


def main() -> None:
    """Serves until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # rasa-sdk logs what it is asked at debug, and sanic every access; both would carry customers' words.
    logging.getLogger("rasa_sdk").setLevel(logging.WARNING)
    executor = ActionExecutor()
    try:
        executor.register_package(ACTIONS_PACKAGE)
        require_encoder(get_settings().data / "cache")
        services.live_knowledge().start()
    except (ArticleError, DamagedFile, EncoderMissing) as error:
        sys.exit(f"Cannot start: {error}")
    app = create_app(executor)
    app.register_middleware(_hide_tracker, "response")
    settle()
    app.run(host="127.0.0.1", port=get_settings().actions_port, single_process=True, access_log=False, motd=False)


async def _hide_tracker(request: Request, response: BaseHTTPResponse) -> HTTPResponse | None:
    """rasa-sdk answers an error with the whole tracker; nobody needs the customer's words in a log."""
    return json({"error": "the action failed"}, status=500) if response.status == 500 else None


if __name__ == "__main__":
    main()
