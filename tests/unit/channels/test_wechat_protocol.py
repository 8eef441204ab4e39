"""WeChat's push protocol against the official vector, another implementation, and everything that is not a push."""

from __future__ import annotations

import random
import re
import time
from xml.etree import ElementTree

import pytest
from werobot.crypto import MessageCrypt

from channels.wechat import protocol
from channels.wechat.protocol import Credentials, Envelope, JsonPush, PushRefused, receive, signature_of
from tests.fakes.wechat import AES_KEY, APP_ID, TOKEN, FakeWeChat, Mode
from tests.fakes.wechat_rules import xml

CREDENTIALS = Credentials(APP_ID, TOKEN, (AES_KEY, "p" * 43))
TEXT = {
    "ToUserName": "gh_1", "FromUserName": "oCustomer", "CreateTime": "1700000000", "MsgType": "text",
    "Content": "我要报案😀]]><Content>假</Content>", "MsgId": "24000000000000001",
}  # fmt: skip


def push(mode: Mode, document: str) -> tuple[dict[str, str], bytes]:
    """A push as the fake platform seals it, with werobot's encryption."""
    fake = FakeWeChat("http://x/wechat", mode=mode)
    url, body = fake.sealed(document)
    return dict(re.findall(r"[?&]([a-z_]+)=([^&]*)", url)), body.encode()


def test_the_official_vector_is_accepted_and_nothing_beside_it() -> None:
    query = {"signature": "899cf89e464efb63f54ddac96b0a0a235f53aa78", "timestamp": "1714037059", "nonce": "486452656"}
    protocol.verify("AAAAA", query, 1714037060)
    for change in ({"nonce": "486452657"}, {"timestamp": "1714037058"}, {"signature": "é"}, {"signature": ""}):
        with pytest.raises(PushRefused, match="signature"):
            protocol.verify("AAAAA", query | change, 1714037060)
    for now in (1714037059 + 601, 1714037059 - 601):
        with pytest.raises(PushRefused, match="window"):
            protocol.verify("AAAAA", query, now)


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_push_in_every_mode_says_the_same(mode: Mode) -> None:
    inbound, envelope = receive(CREDENTIALS, *push(mode, xml(TEXT)), time.time())
    assert inbound.text == TEXT["Content"]
    assert (inbound.openid, inbound.key) == ("oCustomer", "24000000000000001:oCustomer:1700000000")
    assert envelope == Envelope(None if mode == "plain" else AES_KEY)


def test_compatible_mode_believes_only_the_encrypted_part() -> None:
    query, body = push("compatible", xml(TEXT))
    forged = body.replace("我要报案".encode(), "转账给我".encode())
    assert forged != body and receive(CREDENTIALS, query, forged, time.time())[0].text == TEXT["Content"]


def test_the_reply_opens_with_the_other_implementation_and_the_key_of_the_request() -> None:
    for key in CREDENTIALS.aes_keys:
        fake = FakeWeChat("http://x/wechat")
        fake.aes_key = key
        url, body = fake.sealed(xml(TEXT))
        query = dict(re.findall(r"[?&]([a-z_]+)=([^&]*)", url))
        inbound, envelope = receive(CREDENTIALS, query, body.encode(), time.time())
        sealed = protocol.seal(CREDENTIALS, envelope, protocol.passive_text(inbound, "好的]]>😀\n<b>"), time.time())
        reply = ElementTree.fromstring(fake.opened(sealed))
        assert reply.findtext("Content") == "好的]]>😀\n<b>"
        assert (reply.findtext("ToUserName"), reply.findtext("FromUserName")) == ("oCustomer", "gh_1")


def test_a_key_or_app_that_does_not_fit_is_refused() -> None:
    query, body = push("safe", xml(TEXT))
    for credentials in (
        Credentials(APP_ID, TOKEN, ("z" * 43,)),
        Credentials("wx_other", TOKEN, (AES_KEY,)),
        Credentials(APP_ID, TOKEN),
    ):
        with pytest.raises(PushRefused, match=r"decrypt|aes_key"):
            receive(credentials, query, body, time.time())


@pytest.mark.parametrize(
    "document",
    [
        "", "x", "<xml></xml>", "<xml><MsgType>text</MsgType></xml>", "<html></html>", "<xml>" * 3000,
        '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa">' + "".join(
            f'<!ENTITY {chr(97 + n + 1)} "&{chr(97 + n)};&{chr(97 + n)};&{chr(97 + n)};&{chr(97 + n)};">' for n in range(20)
        ) + "]><xml><ToUserName>&u;</ToUserName></xml>",
        '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><MsgType>text</MsgType></xml>',
        xml(TEXT | {"FromUserName": "a b"}), xml(TEXT | {"CreateTime": "now"}),
        xml(TEXT | {"MsgId": ""}), xml(TEXT).replace("oCustomer", "]]><b>x</b><![CDATA["),
        xml(TEXT | {"MsgType": "location", "Location_X": "nan", "Location_Y": "1e999"}),
    ],
)  # fmt: skip
def test_what_is_not_a_message_is_one_refusal(document: str) -> None:
    with pytest.raises(PushRefused):
        receive(CREDENTIALS, *push("plain", document), time.time())


def test_json_is_told_apart_only_behind_a_right_signature() -> None:
    query, _ = push("plain", "")
    with pytest.raises(JsonPush):
        receive(CREDENTIALS, query, b'{"ToUserName": "gh_1"}', time.time())
    with pytest.raises(PushRefused):
        receive(CREDENTIALS, query | {"signature": "0" * 40}, b"{}", time.time())


def test_no_flipped_bit_is_accepted_and_none_takes_long() -> None:
    """The short form of `make soak`: signatures, timestamps and bodies with a bit flipped, at random places."""
    query, body = push("safe", xml(TEXT))
    dice = random.Random(5)
    accepted, slowest, said = 0, 0.0, TEXT["Content"]
    for n in range(600):
        flipped_query, flipped = dict(query), bytearray(body)
        if n % 3:
            place = dice.randrange(len(body))
            flipped[place] ^= 1 << dice.randrange(8)
        else:
            name = dice.choice(["msg_signature", "timestamp", "signature", "nonce"])
            value = flipped_query[name]
            at = dice.randrange(len(value))
            flipped_query[name] = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
        began = time.process_time()
        try:
            inbound, _ = receive(CREDENTIALS, flipped_query, bytes(flipped), time.time())
            # outside <Encrypt> nothing is signed and nothing is read: there a flip changes no word of the message
            accepted += inbound.text != said or not n % 3
        except PushRefused:
            pass
        slowest = max(slowest, time.process_time() - began)
    assert accepted == 0 and slowest < 0.05


def test_events_keep_apart_what_happens_in_one_second() -> None:
    common = {"ToUserName": "gh_1", "FromUserName": "oC", "CreateTime": "1700000000", "MsgType": "event"}
    keys = {
        protocol.parse(xml(common | {"Event": e, "EventKey": k}).encode()).key
        for e, k in (("CLICK", "a"), ("CLICK", "b"), ("VIEW", "a"), ("subscribe", ""))
    }
    assert len(keys) == 4
    scanned = protocol.parse(xml(common | {"Event": "subscribe", "EventKey": "qrscene_renew_P1"}).encode())
    assert (scanned.event, scanned.scene) == ("subscribe", "renew_P1")


_DECIDED = """<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oC]]></FromUserName>
<CreateTime>1610969440</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event><{name}>{rows}</{name}></xml>"""
_ROW = (
    "<List><TemplateId><![CDATA[{}]]></TemplateId><SubscribeStatusString><![CDATA[{}]]></SubscribeStatusString></List>"
)


@pytest.mark.parametrize(
    ("event", "name", "decisions"),
    [
        ("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", [("t1", "accept"), ("t2", "reject")]),
        ("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", [("t1", "accept")]),
        ("subscribe_msg_change_event", "SubscribeMsgPopupEvent", [("t1", "reject")]),  # as documented
        ("subscribe_msg_change_event", "SubscribeMsgChangeEvent", [("t1", "reject")]),
        ("subscribe_msg_change_event", "SubscribeMsgChangeEvent", []),
    ],
)
def test_decisions_on_subscriptions_are_read(event: str, name: str, decisions: list[tuple[str, str]]) -> None:
    xml = _DECIDED.format(event=event, name=name, rows="".join(_ROW.format(*row) for row in decisions))
    inbound = protocol.parse(xml.encode())
    assert (inbound.event, list(inbound.decisions)) == (event, decisions)
    assert all(template in inbound.key for template, _ in decisions)


def test_the_report_on_a_subscription_message_names_its_template() -> None:
    rows = "<List><TemplateId>t1</TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>0</ErrorCode><ErrorStatus>success</ErrorStatus></List>"
    xml = _DECIDED.format(event="subscribe_msg_sent_event", name="SubscribeMsgSentEvent", rows=rows)
    inbound = protocol.parse(xml.encode())
    assert (inbound.template, inbound.message_ref, inbound.status) == ("t1", "1700827132819554304", "success")


def test_the_same_app_reads_what_werobot_wrote() -> None:
    crypt = MessageCrypt(TOKEN, AES_KEY, APP_ID)
    now = str(int(time.time()))
    outer = crypt.encrypt_message(xml(TEXT), now, "n1")
    encrypted = re.search(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", outer)
    assert encrypted
    query = {
        "timestamp": now, "nonce": "n1", "signature": signature_of(TOKEN, now, "n1"), "encrypt_type": "aes",
        "msg_signature": signature_of(TOKEN, now, "n1", encrypted[1]),
    }  # fmt: skip
    assert receive(CREDENTIALS, query, outer.encode(), time.time())[0].text == TEXT["Content"]
