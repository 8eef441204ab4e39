"""Takes the screenshots of the supervisors' pages for the documentation: ``python -m tests.browser.desk_screens [folder]``."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from chebao import db, postgres
from chebao.desk import tickets
from tests import chromium
from tests.browser.desk import log_in, window
from tests.browser.desk_office import PASSWORD, Desk, desk_stack, open_page
from tests.browser.driver import FLAGS

_SETTLE_MS = 900
_WORDS = (
    ("claims", "照片发了三次，收到了吗", "王建国", "anxious", 240),
    ("renewal", "比去年贵的原因能说说吗", "李敏", "calm", 35),
    ("complaint", "说好今天给答复，到现在没有人联系我", "刘桂英", "angry", 95),
)
_TICKETS = (
    ("complaint", "拒赔理由说不清，要向监管反映", -25),
    ("callback", "预约回电：续保价格", 55),
    ("claim", "人伤案件材料补齐后核定", 60 * 24 * 6),
    ("general", "补寄纸质保单", 60 * 20),
)


def _agents(desk: Desk) -> None:
    for id_, state, reason in (
        ("agent1", "ready", None),
        ("agent2", "busy", "整理案件"),
        ("agent3", "break", "午饭"),
    ):
        desk.run(desk.office.desk.presence.set_state(id_, state, reason=reason))
    desk.rows("UPDATE desk.agents SET seen_at = now() + interval '1 hour', state_at = now() - interval '17 minutes'")


def _customers(desk: Desk) -> None:
    for skill, words, name, emotion, ago in _WORDS:
        talk = desk.run(desk.office.waiting(skill))
        desk.run(desk.office.writes(talk, words))
        desk.rows(
            "UPDATE hub.conversations SET queued_at = now() - make_interval(secs => %s), verified = jsonb_build_object("
            "'customer_id', 'C001', 'name', %s::text, 'until', now() + interval '1 hour') WHERE id = %s",
            ago, name, talk,
        )  # fmt: skip
        desk.rows("UPDATE desk.episodes SET emotion = %s WHERE conversation_id = %s", emotion, talk)


def _day(desk: Desk) -> None:
    """A morning of hand-offs."""
    chance = random.Random(7)
    talk = desk.run(desk.office.customer())
    for number in range(46):
        wait = chance.choice((12, 20, 25, 31, 38, 44, 52, 58, 70, 118, 240))
        lost = number % 15 == 3
        desk.rows(
            "INSERT INTO desk.episodes (id, conversation_id, reason, priority, skill, asked_at, queued_at, first_reply_at, "
            "ended_at, end_reason, told_wait) SELECT %s, %s, 'customer_request', 5, 'general', at, at, "
            "CASE WHEN %s THEN NULL ELSE at + make_interval(secs => %s) END, at + interval '9 minutes', 'closed', "
            '\'{"place": 1, "low": 0, "high": 2}\' FROM (SELECT '
            "greatest(date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai', "
            "now() - make_interval(mins => %s)) AS at) moment",
            f"past-{number}", talk, lost, wait, chance.randrange(5, 480),
        )  # fmt: skip


def _tickets(desk: Desk) -> None:
    async def open_one(kind: str, subject: str, minutes: int) -> None:
        async with desk.office.desk.pool.connection() as connection, connection.transaction():
            made = await tickets.open_ticket(
                connection, kind=kind, subject=subject, created_by="lead1", level=3 if kind == "complaint" else None,
                owner_id="lead1" if kind == "complaint" else None,
            )  # fmt: skip
            await connection.execute(
                "UPDATE desk.clocks SET started_at = now() - interval '5 hours', due_at = now() + make_interval(mins => %s), "
                "warned = CASE WHEN %s < 0 THEN 100 ELSE 0 END WHERE number = %s AND NOT legal",
                (minutes, minutes, made.number),
            )

    for kind, subject, minutes in _TICKETS:
        desk.run(open_one(kind, subject, minutes))


def _rest(desk: Desk) -> None:
    """Scores, an article under review, messages that were not answered."""
    talk = desk.run(desk.office.customer())
    for number, score in enumerate([5] * 14 + [4] * 5 + [3, 3, 2, 1]):
        desk.rows(
            "INSERT INTO desk.surveys (conversation_id, about, agent_id, score, comment, answered_at, ticket) "
            "VALUES (%s, %s, 'agent3', %s, %s, now() - interval '2 hours', %s)",
            talk, f"episode-{number}", score, "说好回电话没有回" if score == 1 else None,
            desk.rows("SELECT number FROM desk.tickets WHERE kind = 'callback'")[0]["number"] if score < 3 else None,
        )  # fmt: skip
    desk.rows(
        "INSERT INTO knowledge.versions (article_id, version, state, title, grade, text, digest, author) "
        "SELECT article_id, 2, 'review', title, grade, replace(text, E'## 现在可以做什么\\n', E'## 现在可以做什么\\n先核对车牌，'), "
        "'x', '周敏（agent2）' FROM knowledge.versions WHERE article_id = 'add_cover_midterm' AND version = 1"
    )
    for text, context, reasons in (
        ("这个车能不能装自己买的充电桩，坏了赔吗", "请问还有什么可以帮您？", "{unanswered}"),
        ("我问的是玻璃单独碎了走哪个险", "三者险赔的是对方的损失。", "{corrected,downvoted}"),
    ):
        customer = desk.run(desk.office.customer())
        desk.rows(
            "INSERT INTO quality.reviews (message_id, conversation_id, at, reasons, text, context, intent, state) "
            "SELECT id, conversation_id, at, %s, %s, %s, 'nlu_fallback', 'open' FROM hub.messages "
            "WHERE conversation_id = %s AND sender = 'customer'",
            reasons, text, context, customer,
        )  # fmt: skip


def _shoot(page: Page, desk: Desk, folder: Path, name: str, *parts: str) -> None:
    open_page(page, desk, *parts)
    page.mouse.move(640, 715)
    page.wait_for_timeout(_SETTLE_MS)
    page.screenshot(path=folder / f"desk-{name}.png")


def take(folder: Path, database_url: str) -> None:
    """All of them."""
    with desk_stack(database_url) as desk, sync_playwright() as playwright:
        desk.account("root", "高远", "admin")
        _tickets(desk)
        _agents(desk)
        _customers(desk)
        _day(desk)
        _rest(desk)
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        with window(browser) as page:
            log_in(page, desk.url, "root", PASSWORD)
            for name in (
                "wall", "watch", "tickets", "agents", "canned", "hours", "triggers", "articles", "reviews", "surveys",
            ):  # fmt: skip
                _shoot(page, desk, folder, name, name)
            number = desk.rows("SELECT number FROM desk.tickets WHERE kind = 'complaint'")[0]["number"]
            _shoot(page, desk, folder, "ticket", "tickets", number)
            _shoot(page, desk, folder, "article-review", "articles", "add_cover_midterm")
        browser.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots")
    with tempfile.TemporaryDirectory(prefix="chebao-screens-", ignore_cleanup_errors=True) as data:
        url = postgres.start(Path(data) / "pg")
        db.migrate(url)
        take(folder, url)
        postgres.stop(Path(data) / "pg")


if __name__ == "__main__":
    main()
