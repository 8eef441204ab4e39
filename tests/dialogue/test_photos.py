"""Photos in the dialogues, over the real web chat and the real stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from chebao import postgres
from tests.dialogue.phones import PHONES, Phone
from tests.dialogue.web_customer import WebCustomer, photo, web_customer
from tests.running import RunningStack
from tests.unit.documents.drawn import drawn_licence
from tests.unit.documents.test_licences import DRIVER, ROWS


@pytest.fixture
def customer(stack: RunningStack) -> Iterator[WebCustomer]:
    headers = {"Authorization": "Bearer demo"}
    httpx.post(f"{stack.url}/backoffice/v1/demo/reset", json={}, headers=headers).raise_for_status()
    with web_customer(stack.url) as someone:
        yield someone


def newest_claim(stack: RunningStack) -> dict[str, Any]:
    headers = {"Authorization": "Bearer demo"}
    rows = httpx.get(f"{stack.url}/backoffice/v1/claims", headers=headers).json()["items"]
    claim: dict[str, Any] = httpx.get(f"{stack.url}/backoffice/v1/claims/{rows[0]['claim_no']}", headers=headers).json()
    return claim


def read(customer: WebCustomer | Phone, picture: Path) -> str:
    """What is read on a picture, which is sent again where a busy machine did not come to it in time."""
    for _ in range(3):
        if isinstance(customer, WebCustomer):
            heard = customer.show(picture.read_bytes())
        else:
            customer.show(picture.read_bytes())
            heard = customer.told()
        if "没认出来" not in heard:
            break
    return heard


def test_a_claim_with_photos_from_place_to_supplement(stack: RunningStack, customer: WebCustomer) -> None:
    customer.say("我要报案，刚才倒车撞到柱子了，人没事")
    assert "照片已收到（共 1 张）" in customer.show(photo(at=(30.25, 120.125)))
    heard = customer.say("没有人受伤")
    for answer in ("同意", "没报警", "浙A3F72K", "昨天上午十点"):
        if "拍照的地方" in heard:
            break
        heard = customer.say(answer)
    assert "事故就发生在拍照的地方吗" in heard and "30.25" in heard, heard
    heard = customer.press("就在那里")
    for answer in ("没有别人，就撞了柱子", "后保险杠", "能开", "在停车场", "我自己开的，我叫孙浩然"):
        if "还差" in heard:
            break
        heard = customer.say(answer)
    assert "现场全景" in heard and "左前角" in heard, heard
    heard = customer.show(photo())
    assert "还差：左前角" in heard and "下一张请拍左前角" in heard, heard
    heard = customer.show(photo(blurred=True), photo(dark=True))
    assert "有点糊" in heard and "太暗了" in heard and "还差：左前角" in heard, heard
    heard = customer.press("其余稍后")
    for answer in ("13800000005", "确认", "确认提交"):
        if "报案号" in heard:
            break
        heard = customer.say(answer)
    claim = newest_claim(stack)
    assert claim["claim_no"] in heard
    assert len(claim["documents"]) == 4
    assert [d.get("name") for d in claim["documents"]] == [None, "现场全景", None, None]
    assert f"已登记到报案 {claim['claim_no']}" in customer.show(photo())
    assert len(newest_claim(stack)["documents"]) == 5
    with psycopg.connect(postgres.start(stack.data / "postgres")) as database:
        (kept,) = database.execute("SELECT count(*) FROM hub.uploads WHERE place IS NOT NULL").fetchone() or (None,)
    assert kept == 0


def test_a_licence_fills_plate_and_dates_of_a_new_policy(customer: WebCustomer, tmp_path: Path) -> None:
    customer.say("我想给车买保险")
    customer.say("同意")
    heard = read(customer, drawn_licence(tmp_path))
    assert f"车牌：{ROWS['号牌号码']}" in heard and f"车架号：{ROWS['车辆识别代号']}" in heard, heard
    assert "所有人：张*" in heard and "车牌号是多少" not in heard, heard


def test_an_illegible_paper_is_asked_for_again(customer: WebCustomer) -> None:
    customer.say("我想给车买保险")
    customer.say("同意")
    heard = customer.show(photo())
    assert "没认出来" in heard and "车牌号是多少" in heard, heard


@pytest.fixture(params=PHONES, ids=lambda kind: kind.platform)
def phone(request: pytest.FixtureRequest, stack: RunningStack) -> Iterator[Phone]:
    headers = {"Authorization": "Bearer demo"}
    httpx.post(f"{stack.url}/backoffice/v1/demo/reset", json={}, headers=headers).raise_for_status()
    phone: Phone = request.param(stack.url)
    phone.agree()
    yield phone
    phone.close()


def answer(phone: Phone, heard: str, answers: tuple[str, ...], until: str) -> str:
    """Gives one answer after the other until something is asked or told."""
    for words in answers:
        if until in heard:
            break
        phone.say(words)
        heard = phone.told()
    assert until in heard, heard
    return heard


@pytest.mark.timeout(240)
def test_photos_of_a_claim_on_a_phone(stack: RunningStack, phone: Phone) -> None:
    phone.say("我要报案，刚才倒车撞到柱子了，人没事")
    phone.told()
    phone.show(photo(at=(30.25, 120.125)))
    assert "照片已收到（共 1 张）" in phone.told()
    phone.say("没有人受伤")
    heard = answer(phone, phone.told(), ("同意", "没报警", "浙A3F72K", "昨天上午十点"), "拍照的地方")
    assert "30.25" in heard
    phone.press("就在那里")
    rest = ("没有别人，就撞了柱子", "后保险杠", "能开", "在停车场", "我自己开的，我叫孙浩然")
    assert "现场全景" in answer(phone, phone.told(), rest, "还差")
    phone.show(photo(blurred=True))
    assert "有点糊" in phone.told()
    phone.show(photo())
    assert "还差：左前角" in phone.told()
    phone.press("其余稍后上传")
    heard = answer(phone, phone.told(), ("13800000005", "确认提交"), "报案号")
    claim = newest_claim(stack)
    assert claim["claim_no"] in heard
    assert [d.get("name") for d in claim["documents"]] == [None, None, "现场全景"]
    phone.show(photo())
    assert f"已登记到报案 {claim['claim_no']}" in phone.told()
    assert len(newest_claim(stack)["documents"]) == 4


@pytest.mark.timeout(240)
def test_licences_on_a_phone(phone: Phone, tmp_path: Path) -> None:
    phone.say("我想给车买保险")
    answer(phone, phone.told(), ("同意",), "车牌号是多少")
    heard = read(phone, drawn_licence(tmp_path, DRIVER, "中华人民共和国机动车驾驶证"))
    assert "这张是驾驶证" in heard and "车牌号是多少" in heard, heard
    heard = read(phone, drawn_licence(tmp_path))
    assert f"车牌：{ROWS['号牌号码']}" in heard and f"车架号：{ROWS['车辆识别代号']}" in heard, heard
    assert "所有人：张*" in heard and "注册日期：2021-05-18" in heard and "车牌号是多少" not in heard, heard
