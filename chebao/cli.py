"""The operator's commands: ``chebao run | shell | migrate | doctor | wechat | review | model | agent``."""

from __future__ import annotations

import asyncio
import os
import sys

import typer
from pydantic import ValidationError

from channels.telegram.cli import findings as telegram_findings
from channels.wechat.cli import findings as wechat_findings
from channels.wechat.cli import wechat_app
from chebao import db, stack
from chebao.desk.cli import agent_app
from chebao.desk.doctor import findings as desk_findings
from chebao.doctor import Finding, mode, refused, report, service
from chebao.quality.cli import model_app, review_app
from chebao.settings import ROOT, get_settings

app = typer.Typer(
    help="Chebao (车保): a car insurer's customer-service assistant.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(review_app, name="review")
app.add_typer(model_app, name="model")
app.add_typer(wechat_app, name="wechat")
app.add_typer(agent_app, name="agent")


@app.command()
def doctor() -> None:
    """Checks settings, platforms and reachability, and says in Chinese and English what to mend."""
    try:
        settings = get_settings()
    except ValidationError as error:
        print(report(refused(error)))
        sys.exit(1)

    async def look() -> list[Finding]:
        looks = (service, desk_findings, wechat_findings, telegram_findings)
        return [*mode(settings), *[finding for look_at in looks for finding in await look_at(settings)]]

    found = asyncio.run(look())
    print(report(found))
    sys.exit(0 if all(finding.good for finding in found) else 1)


@app.command()
def run() -> None:
    """Runs the whole stack on this machine and waits for Ctrl-C."""
    # A program of its own: what the other commands load (60 MB) is not held for as long as the stack runs.
    os.execv(sys.executable, [sys.executable, "-m", "chebao.stack"])  # noqa: S606


@app.command()
def shell() -> None:
    """Talks to the assistant in the terminal; database, back office and actions run beside it, the hub does not answer."""
    sys.exit(stack.run(get_settings(), then=[str(ROOT / "bot/.venv/bin/python"), "-m", "bot.run", "shell"]))


@app.command()
def migrate() -> None:
    """Brings the database of DATABASE_URL to the newest revision."""
    url = get_settings().database_url
    if not url:
        raise typer.BadParameter("DATABASE_URL is not set; `chebao run` migrates the embedded database by itself")
    db.migrate(url)


def main() -> None:
    """Entry point of the ``chebao`` script."""
    os.environ.setdefault("PYTHONUTF8", "1")
    app()
