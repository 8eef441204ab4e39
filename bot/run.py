"""The one way to start Rasa: ``python -m bot.run serve|train|shell|test|validate|parse``.

Sets what must not be forgotten: telemetry off, no customer's words in the log, the repository on the path, one worker, and a
model that we have trained ourselves (a model archive is code).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def prepare() -> None:
    """Environment of every command; must run before Rasa is imported."""
    os.chdir(project())
    for path in (str(project()), str(ROOT)):
        if path not in sys.path:
            sys.path.insert(0, path)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ.setdefault(
        "CHEBAO_ACTIONS_URL", f"http://127.0.0.1:{os.environ.get('CHEBAO_ACTIONS_PORT', '5055')}/webhook"
    )
    os.environ.setdefault("DATABASE_URL", "memory")
    os.environ.setdefault("RASA_MAX_CACHE_SIZE", "0")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    import sanic.app  # noqa: F401  its import turns deprecation warnings on, so ours come after it

    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", message="(?s).*Deprecated API features")
    warnings.filterwarnings("ignore", message="Slot auto-fill has been removed")
    # action_small_talk utters them, which Rasa's validator cannot see; tests/unit/dialogue checks that they match
    warnings.filterwarnings("ignore", message="The utterance 'utter_.*' is not used")


def project() -> Path:
    """The Rasa project: the repository's root, or what ``CHEBAO_BOT_PROJECT`` names (tests)."""
    return Path(os.environ.get("CHEBAO_BOT_PROJECT", ROOT)).resolve()


def quiet(level: int) -> None:
    """Log levels: Rasa prints customers' texts at debug, Sanic logs each request."""
    from rasa.utils.log_utils import configure_structlog

    os.environ["LOG_LEVEL"] = logging.getLevelName(level)
    configure_structlog(level)
    logging.getLogger().setLevel(level)
    for name in ("rasa", "sanic.root", "sanic.access", "apscheduler", "asyncio", "jieba"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.getLogger("bot").setLevel(logging.INFO)


def serve(options: argparse.Namespace) -> int:
    """Serves the hub's channel until stopped."""
    from bot import model

    archive = model.trusted(model_folder())
    if archive is None:
        return _cannot_start(model.problem(model_folder()))
    if (problem := _problem()) is not None:
        return _cannot_start(problem)
    if "://" not in os.environ["DATABASE_URL"]:
        if os.environ.get("CHEBAO_MODE") == "production":
            print("DATABASE_URL is not set: conversations would live in memory alone.", file=sys.stderr)
            return 2
        print("DATABASE_URL is not set: conversations live in memory alone.", file=sys.stderr)
    quiet(logging.WARNING)
    from bot.server import run

    run(archive, host=options.host, port=options.port)
    return 0


def _problem() -> str | None:
    """The first missing or damaged file beside the model."""
    from bot import needed

    return needed.first_problem(project() / "config.yml")


def _cannot_start(problem: str) -> int:
    print(f"Cannot start: {problem}", file=sys.stderr)
    return 2


def train(options: argparse.Namespace) -> int:
    """Trains when something the model depends on has changed."""
    from bot import model

    folder = model_folder(candidate=options.candidate)
    if not options.force and model.trusted(folder, model.fingerprint(project(), ROOT)) is not None:
        print("The model is up to date.")
        return 0
    if _is_gated(options, folder):
        print("The training sentences have changed; the active model stays. A new one goes live by `chebao model`.")
        return 0
    if (problem := _problem()) is not None:
        return _cannot_start(problem)
    quiet(logging.WARNING)
    for name in ("rasa.engine.training.hooks", "bot"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger().setLevel(logging.INFO)
    started = time.monotonic()
    print("Training the assistant …", flush=True)
    from rasa.shared.exceptions import RasaException

    try:
        trained = model.train(project(), folder, ROOT)
    except RasaException as error:
        print(f"The training failed: {error}", file=sys.stderr)
        return 1
    if trained is None:
        print("The training failed; the messages above say where.", file=sys.stderr)
        return 1
    print(f"Trained in {time.monotonic() - started:.0f} s: {trained}")
    return 0


def _is_gated(options: argparse.Namespace, folder: Path) -> bool:
    """In production an active model that fits the software is replaced by ``chebao model activate`` alone."""
    from bot import model

    by_hand = options.force or options.candidate or os.environ.get("CHEBAO_MODE") != "production"
    return not by_hand and model.trusted(folder, fits=model.fingerprint(project(), ROOT, sentences=False)) is not None


def parse(options: argparse.Namespace) -> int:
    """Understands each line of the standard input (or the given text) and prints one JSON object a line.

    With ``--batch`` a line is JSON, ``{"text", "question", "received_at"}``, and the result tells its milliseconds.
    """
    import asyncio

    from bot import model

    quiet(logging.WARNING)
    from rasa.core.agent import Agent

    archive = model.trusted(model_folder(candidate=options.candidate))
    if archive is None:
        print("No model: run `make train`.", file=sys.stderr)
        return 2
    agent = Agent.load(str(archive))

    async def understand_all() -> None:
        if options.batch:
            await _understood(agent, {"text": "你好，我的车昨天被追尾了"})  # warm, so that no line pays for the start
        for line in [" ".join(options.text)] if options.text else sys.stdin:
            asked = json.loads(line) if options.batch else {"text": line.rstrip("\n")}
            result = await _understood(agent, asked)
            if not options.batch:
                del result["ms"]
            print(json.dumps(result, ensure_ascii=False), flush=True)

    asyncio.run(understand_all())
    return 0


async def _understood(agent: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """What the model makes of one text, told the question that it answers and when it was received."""
    from rasa.core.channels.channel import UserMessage

    from bot.channel import guarded

    metadata = {key: asked[key] for key in ("question", "received_at") if asked.get(key)}
    message = UserMessage(guarded(asked["text"]), metadata=metadata)
    started = time.perf_counter()
    result = dict(await agent.processor.parse_message(message))
    result["ms"] = round((time.perf_counter() - started) * 1000, 3)
    result.pop("text_tokens", None)
    return result


def rasa_command(options: argparse.Namespace) -> int:
    """`rasa shell`, `rasa test` and `rasa data validate` with our settings; further arguments are passed on."""
    from bot import model, patches

    archive = model.trusted(model_folder())
    model_options = ["--model", str(archive), *([] if "nlu" in options.rest else ["--endpoints", "endpoints.yml"])]
    commands = {
        "shell": ["shell", *options.rest, *model_options],
        "test": ["test", *options.rest, *model_options],
        "validate": ["data", "validate", "--fail-on-warnings", *options.rest],
    }
    if archive is None and options.command != "validate":
        print("No model: run `make train`.", file=sys.stderr)
        return 2
    from rasa.__main__ import main as rasa_main

    patches.apply()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # the kept action connections end with the process
    sys.argv = ["rasa", *commands[options.command]]
    rasa_main()
    return 0


def model_folder(*, candidate: bool = False) -> Path:
    """Where the active model is kept, ``models`` in the data folder, or the one that is to follow it."""
    active = Path(os.environ.get("CHEBAO_DATA", str(project() / ".chebao"))).resolve() / "models"
    return active / "candidate" if candidate else active


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="serve the hub's channel")
    server.add_argument("--host", default="127.0.0.1")
    server.add_argument("--port", type=int, default=int(os.environ.get("CHEBAO_RASA_PORT", "5005")))
    trainer = commands.add_parser("train", help="train when config, domain, data or our components changed")
    trainer.add_argument("--force", action="store_true")
    parser_ = commands.add_parser("parse", help="understand texts, one a line")
    parser_.add_argument("text", nargs="*")
    for each in (trainer, parser_):
        each.add_argument("--candidate", action="store_true", help="the model beside the active one")
    parser_.add_argument("--batch", action="store_true", help="JSON lines in, with question and time of receipt")
    for name in ("shell", "test", "validate"):
        commands.add_parser(name, help=f"rasa {name}", add_help=False)
    options, rest = parser.parse_known_args(arguments)
    options.rest = rest
    if options.command == "serve":
        from bot import lean

        lean.install()
    prepare()
    handlers: dict[str, Any] = {"serve": serve, "train": train, "parse": parse}
    return handlers.get(options.command, rasa_command)(options)


if __name__ == "__main__":
    sys.exit(main())
