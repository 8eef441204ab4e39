"""One customer on the web page, WeChat and Telegram: what he began goes on elsewhere, he is told where he is, and forgotten where he asks."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from chebao import postgres
from tests.dialogue.phones import PHONES, Phone, TelegramPhone, WeChatPhone
from tests.dialogue.test_platforms import follow
from tests.dialogue.web_customer import WebCustomer, web_customer
from tests.e2e.door import rows
from tests.e2e.journeys import JOURNEYS
from tests.running import RunningStack

_PHONE, _CODE, _PLATE = "13800000001", "246810", "京A12345"
_OPENING = "我的车昨天下午三点在北京市海淀区中关村大街追尾了前车，没有人受伤"
_HINTS = re.compile(r"中关村|京A12345|没填完|网页上|接着填吗")
_CASHIER = re.compile(r"https?://\S+/cashier/[\w-]+")

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def office(stack: RunningStack) -> Iterator[httpx.Client]:
    """The back office, with nothing but its demo data."""

    def once(request: httpx.Request) -> None:
        request.headers["Idempotency-Key"] = uuid.uuid4().hex

    with httpx.Client(
        base_url=f"{stack.url}/backoffice/v1",
        headers={"Authorization": "Bearer demo"},
        event_hooks={"request": [once]},
        timeout=30,
    ) as http:
        http.post("/demo/reset", json={}).raise_for_status()
        yield http


@pytest.fixture
def web(stack: RunningStack, office: httpx.Client) -> Iterator[WebCustomer]:
    with web_customer(stack.url) as customer:
        yield customer


@pytest.fixture
def open_phone(stack: RunningStack) -> Iterator[Callable[[type[Phone]], Any]]:
    """Makes phones of customers who talk to us already."""
    phones: list[Phone] = []

    def made(kind: type[Phone]) -> Phone:
        phones.append(kind(stack.url))
        phones[-1].agree()
        return phones[-1]

    yield made
    for phone in phones:
        phone.close()


@pytest.fixture(params=PHONES, ids=lambda kind: kind.platform)
def phone(request: pytest.FixtureRequest, open_phone: Callable[[type[Phone]], Phone], office: httpx.Client) -> Phone:
    return open_phone(request.param)


def begin_on_the_web(web: WebCustomer) -> None:
    """Half a claim on the page, kept for elsewhere by proof of the phone."""
    for words in (_OPENING, "同意", "已经报警", _PLATE, "我换到微信接着填", _PHONE):
        web.say(words)
    assert "存好了" in web.say(_CODE)


def prove(phone: Phone, wish: str = "查一下我的保单") -> str:
    """The customer proves who he is for some wish; what he then reads."""
    phone.say(wish)
    assert "手机号" in phone.told()
    phone.phone(_PHONE)
    assert "验证码" in phone.told()
    phone.say(_CODE)
    return phone.told()


def prove_on_the_web(web: WebCustomer) -> None:
    for words in ("查一下我的保单", _PHONE):
        web.say(words)
    assert "P2026" in web.say(_CODE)


def claims_at(stack: RunningStack, place: str) -> list[dict[str, Any]]:
    return [row for row in rows(stack.url, "/claims", plate=_PLATE) if place in json.dumps(row, ensure_ascii=False)]


def conversation_of(stack: RunningStack, phone: Phone) -> str:
    with psycopg.connect(postgres.start(stack.data / "postgres")) as database:
        found = database.execute("SELECT id FROM hub.conversations WHERE peer = %s", (phone.peer,)).fetchone()
    assert found
    return str(found[0])


def filed(office: httpx.Client, reference: str) -> Callable[[], str]:
    """A claim reported in a conversation; each call moves it on, returns the words of the notice."""
    report = {
        "plate": _PLATE,
        "reporter": {"name": "王建国", "phone": _PHONE, "customer_id": "C001"},
        "occurred_at": (datetime.now(UTC) - timedelta(days=2)).isoformat(),
        "occurred_precision": "minute",
        "place": "北京市朝阳区三里屯路",
        "accident_type": "rear_end",
        "description": "追尾",
        "injury": False,
        "reference": reference,
    }
    number = office.post("/claims", json=report).raise_for_status().json()["claim_no"]
    step = iter(["surveying", "documents_missing"] * 10)

    def moved() -> str:
        status = next(step)
        office.post(f"/claims/{number}/status", json={"status": status}).raise_for_status()
        return f"{number} 有新进展：" + {"surveying": "正在安排查勘", "documents_missing": "还需要补充材料"}[status]

    return moved


def test_a_claim_begun_on_the_web_is_finished_on_the_phone_and_is_one_claim(
    stack: RunningStack, office: httpx.Client, web: WebCustomer, phone: Phone
) -> None:
    begin_on_the_web(web)
    offer = prove(phone, "接着上次的报案")
    assert "您在网页上的事故报案还没填完" in offer and "中关村" in offer, offer
    phone.press("接着填")
    going_on = phone.told()
    assert "接上了" in going_on and "中关村" in going_on and going_on.count("？") == 1, going_on
    for answer in ("两辆车，对方白色大众", "前保险杠", "还能开", "我自己开的，我姓王", "稍后上传"):
        phone.say(answer)
        told = phone.told()
    assert "确认提交" in told or "手机" in told, told
    if "确认" not in told:
        phone.phone(_PHONE)
        phone.told()
    assert "不会重复提交" in web.say("还在吗")
    phone.press("确认提交")
    number = re.search(r"报案号：(CL\d+)", phone.told("报案号"))
    assert number
    [made] = claims_at(stack, "中关村")
    assert made["claim_no"] == number[1]
    office.post(f"/claims/{number[1]}/status", json={"status": "surveying"}).raise_for_status()
    assert number[1] in phone.told("有新进展"), "the phone was used last"


def test_claim_notices_go_where_he_wrote_last_and_may_still_be_reached(
    stack: RunningStack, office: httpx.Client, web: WebCustomer, open_phone: Callable[[type[Phone]], Any]
) -> None:
    prove_on_the_web(web)
    telegram: TelegramPhone = open_phone(TelegramPhone)
    prove(telegram)
    wechat: WeChatPhone = open_phone(WeChatPhone)
    prove(wechat)
    next_notice = filed(office, conversation_of(stack, telegram))

    while wechat.left:  # five messages, then WeChat takes no more
        assert wechat.heard(next_notice())
    expected = next_notice()
    assert telegram.heard(expected) and wechat.silent(), "used before WeChat, and still open"
    wechat.say("好的")
    wechat.heard()
    expected = next_notice()
    assert wechat.heard(expected) and telegram.silent(), "his message opened WeChat again"

    telegram.say("好的")
    telegram.heard()
    telegram.shut()
    assert wechat.heard(next_notice()), "he blocked us on Telegram"
    wechat.shut()
    expected = next_notice()
    assert expected in web.waits(expected) and wechat.silent(0.5) and telegram.silent(0.5)


def test_payment_notices_go_where_he_wrote_last(
    stack: RunningStack, office: httpx.Client, open_phone: Callable[[type[Phone]], Any]
) -> None:
    telegram, wechat = open_phone(TelegramPhone), open_phone(WeChatPhone)
    said = "\n".join(bubble.text for bubble in follow(telegram, JOURNEYS["续保"]))
    [link] = set(_CASHIER.findall(said))
    prove(wechat)
    assert "已支付" in httpx.post(link, follow_redirects=True, timeout=30).text
    assert wechat.heard("险保单号：")
    assert telegram.silent()


def test_without_proof_nothing_is_shared_and_nothing_is_hinted_at(web: WebCustomer, phone: Phone) -> None:
    begin_on_the_web(web)
    heard = []
    phone.say("接着上次的报案")
    heard.append(phone.told())
    phone.phone(_PHONE)
    heard.append(phone.told())
    for words in ("135790", "我就是王建国，手机号 13800000001", "我的报案填到哪里了"):
        phone.say(words)
        heard.append(phone.told())
    assert not any(_HINTS.search(text) for text in heard), heard


def test_another_persons_proof_shows_nothing(web: WebCustomer, phone: Phone) -> None:
    begin_on_the_web(web)
    phone.say("接着上次的报案")
    phone.heard()
    phone.phone(f"139{time.time_ns() % 10**8:08d}")
    phone.heard()
    phone.say(_CODE)
    told = phone.told()
    assert "没有查到" in told and not _HINTS.search(told.replace("没填完的事故报案", "")), told


@pytest.mark.parametrize("words", ["解除关联", "删除我的资料"])
def test_he_is_forgotten_everywhere_when_he_asks_on_the_phone(web: WebCustomer, phone: Phone, words: str) -> None:
    begin_on_the_web(web)
    prove(phone)
    phone.say(words)
    told = phone.told()
    assert "关联和身份验证都已解除" in told and ("依法保存" in told) == (words == "删除我的资料"), told
    assert "清掉了" in web.say("还在吗")
    assert "手机号" in web.say("查一下我的保单")
    assert "没有查到" in prove(phone, "接着上次的报案"), "the draft is gone as well"


@pytest.mark.parametrize("words", ["解除关联", "退出登录"])
def test_he_is_forgotten_when_he_asks_on_the_web(web: WebCustomer, phone: Phone, words: str) -> None:
    begin_on_the_web(web)
    prove(phone)
    assert "重新验证" in web.say(words)
    phone.say("查一下我的保单")
    told = phone.told()
    assert ("手机号" in told) == (words == "解除关联"), told
    assert ("P2026" in told) == (words == "退出登录"), told
