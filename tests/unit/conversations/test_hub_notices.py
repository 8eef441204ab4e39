"""The privacy notice and the other words of the hub."""

from __future__ import annotations

from chebao.conversations import notices
from chebao.conversations.config import HubSettings
from chebao.conversations.types import Reply


def test_the_privacy_notice_says_all_that_the_law_wants_and_asks_nothing() -> None:
    notice = notices.privacy("某某财险", "95000")
    who, why, rights = notice.text.split("\n")
    assert "某某财险" in who and "机器人" in who and "人工" in who
    assert "车险业务" in why and "保存 3 年" in why and "5 年" in why
    assert all(word in rights for word in ("查阅", "复制", "更正", "删除", "95000"))
    assert "？" not in notice.text and not notice.buttons


def test_every_offer_of_a_person_is_a_button_of_the_dialogues_own_intent() -> None:
    for reply in (notices.apology(), notices.outage(), notices.returned_after_wait("95000", alerted=False)):
        assert isinstance(reply, Reply) and reply.buttons == [{"title": "转人工", "payload": "/human_agent"}]


def test_in_demo_mode_the_queue_waits_at_least_ten_minutes() -> None:
    short = HubSettings(queue_wait_minutes=1)
    assert (short.wait_minutes(demo=True), short.wait_minutes(demo=False)) == (10, 1)
    assert HubSettings(queue_wait_minutes=30).wait_minutes(demo=True) == 30
