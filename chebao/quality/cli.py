"""``chebao review …`` and ``chebao model …``: from what went wrong to a better model, under an operator's eyes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao import postgres
from chebao.db import make_engine, migrate
from chebao.errors import ChebaoError
from chebao.quality import learned, models, replay, review
from chebao.settings import ROOT, get_settings

review_app = typer.Typer(help="The review list: what was not answered, corrected or voted down.", no_args_is_help=True)
model_app = typer.Typer(help="Train, replay, activate and roll back the assistant's model.", no_args_is_help=True)

_console: Final = Console(highlight=False)
_BOT: Final = (str(ROOT / "bot" / ".venv" / "bin" / "python"), "-m", "bot.run")


@review_app.command("list")
def list_(state: review.State = review.State.OPEN, limit: int = 50) -> None:
    """Shows the list, newest first."""

    async def look(engine: AsyncEngine) -> list[review.Review]:
        await review.collect(engine)
        return await review.find(engine, state, limit=limit)

    table = Table("id", "reasons", "message", "understood as", "suggested")
    for row in _with_database(look):
        seen = f"{row.intent or '-'} {row.confidence or 0:.2f} {row.topic or ''}"
        table.add_row(str(row.id), ", ".join(row.reasons), row.text, seen, row.suggested_topic or "")
    _console.print(table)


@review_app.command()
def approve(
    review_id: int,
    intent: Annotated[str, typer.Option(help="what the customer meant")],
    topic: Annotated[str | None, typer.Option(help="the article that answers it")] = None,
    entity: Annotated[list[str] | None, typer.Option(help="plate=京A12345, may be repeated")] = None,
    reviewer: Annotated[str, typer.Option(envvar="USER")] = "operator",
) -> None:
    """Says what a message meant."""
    pairs = [part.partition("=") for part in entity or []]
    verdict = review.Verdict(intent, topic, [{"entity": name, "value": value} for name, _, value in pairs])
    intents, topics = learned.names(ROOT)
    _with_database(lambda e: review.approve(e, review_id, verdict, reviewer, intents=intents, topics=topics))
    _console.print(f"{review_id} approved as {intent}.")


@review_app.command()
def reject(review_id: int, reviewer: Annotated[str, typer.Option(envvar="USER")] = "operator") -> None:
    """Takes a message off the list: nothing is to be learnt from it."""
    _with_database(lambda engine: review.reject(engine, review_id, reviewer))
    _console.print(f"{review_id} rejected.")


@review_app.command()
def export() -> None:
    """Turns approved lines into training data (`data/nlu/learned.yml`, `data/articles/learned.yml`)."""
    done = learned.export(ROOT / "data", _with_database(review.approved))
    for text in done.conflicts:
        _console.print(f"left out, the training data give it another intent: {text}")
    _console.print(f"{done.sentences} new sentences, {done.phrasings} new phrasings, {len(done.conflicts)} conflicts.")


@model_app.command()
def show() -> None:
    """Which models there are."""
    table = Table("place", "sha256", "trained at", "replay")
    for place in ("", models.CANDIDATE, models.PREVIOUS):
        model = models.find(_models(), place)
        if model:
            report = model.replay
            verdict = (
                "-" if report is None else f"{report['gained']} gained, {report['lost']} lost of {report['turns']}"
            )
            table.add_row(place or "active", model.sha256[:12], model.trained_at, verdict)
    _console.print(table)


@model_app.command()
def train() -> None:
    """Trains a candidate beside the active model."""
    raise typer.Exit(subprocess.call([*_BOT, "train", "--candidate"], cwd=ROOT, env=_environment()))


@model_app.command("replay")
def replay_(limit: Annotated[int, typer.Option(help="so many of the newest messages")] = 5000) -> None:
    """Understands past messages with the active model and the candidate, and says what is gained and lost."""
    candidate = models.find(_models(), models.CANDIDATE)
    if candidate is None:
        _fail("there is no trained candidate; run `chebao model train` first")
    report = _with_database(lambda engine: _replayed(engine, candidate.sha256, limit))
    (candidate.folder / models.REPLAY).write_text(report.as_json(), encoding="utf-8")
    table = Table("", "message", "before", "now", "label")
    for changed in report.changed[:40]:
        table.add_row(changed.outcome, changed.text, changed.before, changed.after, changed.label or "")
    if report.changed:
        _console.print(table)
    _console.print(
        f"{report.turns} turns: {report.gained} gained, {report.lost} lost, {report.open} changed and not judged."
    )
    _console.print("May be activated." if report.passed else "May not be activated: more is lost than gained.")
    raise typer.Exit(0 if report.passed else 1)


@model_app.command()
def activate(force: Annotated[bool, typer.Option(help="even without a replay, or after a bad one")] = False) -> None:
    """Makes the candidate the model that customers speak with; a running Rasa takes it up within seconds."""
    _print_active(_or_fail(lambda: models.activate(_models(), force=force)))


@model_app.command()
def rollback() -> None:
    """Goes back to the model before."""
    _print_active(_or_fail(lambda: models.roll_back(_models())))


async def _replayed(engine: AsyncEngine, sha256: str, limit: int) -> replay.Report:
    turns = await replay.past_turns(engine, limit)
    with _console.status(f"Understanding {len(turns)} messages twice …"):
        before = await replay.understand([*_BOT, "parse", "--batch"], ROOT, turns)
        after = await replay.understand([*_BOT, "parse", "--batch", "--candidate"], ROOT, turns)
    return replay.compare(sha256, turns, before, after)


def _models() -> Path:
    return get_settings().data / "models"


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "CHEBAO_DATA": str(get_settings().data)}


def _print_active(model: models.Model) -> None:
    _console.print(f"Active now: {model.sha256[:12]}, trained at {model.trained_at}.")


def _with_database[T](work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Runs `work` on the configured database, or the embedded one, whether or not the stack runs."""
    settings = get_settings()

    async def run(url: str) -> T:
        engine = make_engine(url)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    with postgres.at_hand(settings.database_url, settings.data / "postgres") as url:
        migrate(url)
        return _or_fail(lambda: asyncio.run(run(url)))


def _or_fail[T](work: Callable[[], T]) -> T:
    try:
        return work()
    except ChebaoError as error:
        _fail(error.message)


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(1)
