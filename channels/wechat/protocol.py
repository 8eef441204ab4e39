"""WeChat's push protocol, pure: verify, decrypt, parse what arrives; write and encrypt the passive reply.

Sources: https://developers.weixin.qq.com/doc/oplatform/developers/dev/push/encryption.md (signatures, modes) and
https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_standard_messages.html (messages).
In plain mode nothing authenticates the body but the secrecy of the token: operators are told to use safe mode.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wechatpy.crypto import BaseWeChatCrypto, PrpCrypto
from wechatpy.parser import parse_message
from wechatpy.replies import TextReply

MAX_BODY = 128 * 1024
WINDOW_SECONDS = 600
"""A push may be this old or early: three tries take 15 s, the rest is for clocks that differ."""

_UNSUPPORTED = "【收到不支持的消息类型，暂无法显示】"
_PROLOGUE = re.compile(rb"\s*(<\?xml[^<>]{0,200}\?>\s*)?<xml>")
_NAME = re.compile(r"[\x21-\x7e]{1,128}")

Kind = Literal["text", "image", "voice", "video", "location", "link", "unsupported", "event"]
_KINDS: dict[str, Kind] = {
    "text": "text",
    "image": "image",
    "voice": "voice",
    "video": "video",
    "shortvideo": "video",
    "location": "location",
    "link": "link",
    "event": "event",
}


class PushRefused(Exception):
    """Not a push that we can take: `reason` for the log, `status` for the answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


class JsonPush(Exception):
    """A rightly signed push in JSON: the account's data format has to be set to XML."""


@dataclass(frozen=True)
class Credentials:
    """What an official account's console page shows.

    Args:
        aes_keys: EncodingAESKeys, the current one first, then the previous one while it is being changed.
    """

    app_id: str
    token: str
    aes_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Envelope:
    """How the request came, which is how the reply has to go: `aes_key` is the one that fitted, None for a plain reply."""

    aes_key: str | None = None


@dataclass(frozen=True)
class Inbound:
    """A message or event.

    Attributes:
        account: ToUserName, our account.
        openid: FromUserName.
        key: the ledger's key: MsgId alone has collided in practice, events have none.
        number: MsgId, 0 of an event.
        menu_id: id of the pressed item of a menu message, which comes as a text.
        event: lower case; ``subscribe`` also where a code was scanned, then with `scene`.
        status: of a report on a template or subscription message.
        template: the subscription message that is reported on.
        decisions: template → what the customer decided on being told by it: ``accept`` (and kinds of it), ``reject``.
    """

    kind: Kind
    account: str
    openid: str
    created: int
    key: str
    number: int = 0
    text: str = ""
    menu_id: str = ""
    media_id: str = ""
    media_format: str = ""
    latitude: float | None = None
    longitude: float | None = None
    label: str = ""
    event: str = ""
    event_key: str = ""
    scene: str = ""
    message_ref: str = ""
    status: str = ""
    template: str = ""
    decisions: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> tuple[int, int]:
        """Its place among the customer's messages: CreateTime counts seconds only, MsgId grows."""
        return self.created, self.number


def signature_of(*parts: str) -> str:
    """SHA-1 over the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def verify(token: str, query: Mapping[str, str], now: float, *, encrypted: str | None = None) -> None:
    """Checks signature and time of a request.

    Args:
        encrypted: the content of ``<Encrypt>``, signed by ``msg_signature``.

    Raises:
        PushRefused: 403.
    """
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    name = "signature" if encrypted is None else "msg_signature"
    good = signature_of(token, timestamp, nonce, *([] if encrypted is None else [encrypted]))
    # bytes: compare_digest refuses text beyond ASCII
    if not hmac.compare_digest(query.get(name, "").encode("utf-8", "replace"), good.encode()):
        raise PushRefused(f"bad_{name}", 403)
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise PushRefused("outside_time_window", 403)


def receive(credentials: Credentials, query: Mapping[str, str], body: bytes, now: float) -> tuple[Inbound, Envelope]:
    """Verifies and reads a push in whichever mode it came.

    Raises:
        PushRefused: forged, too old, or not a message.
        JsonPush: rightly signed, but JSON.
    """
    verify(credentials.token, query, now)
    if len(body) > MAX_BODY:
        raise PushRefused("too_large", 413)
    if body.lstrip()[:1] == b"{":
        raise JsonPush
    if query.get("encrypt_type", "raw") != "aes":
        return parse(body), Envelope()
    # In compatible mode plain fields stand beside <Encrypt>; nothing signs them, so they are not looked at.
    encrypted = _field(_document(body), "Encrypt", needed=True)
    verify(credentials.token, query, now, encrypted=encrypted)
    plain, aes_key = _decrypt(credentials, encrypted)
    return parse(plain), Envelope(aes_key)


def _decrypt(credentials: Credentials, encrypted: str) -> tuple[bytes, str]:
    for aes_key in credentials.aes_keys:
        try:
            key = BaseWeChatCrypto(credentials.token, aes_key, credentials.app_id).key
            return PrpCrypto(key).decrypt(encrypted, credentials.app_id).encode(), aes_key
        except Exception:  # noqa: S112 wechatpy has no one error for a key that does not fit
            continue
    raise PushRefused("cannot_decrypt" if credentials.aes_keys else "no_aes_key")


def parse(xml: bytes) -> Inbound:
    """Reads the XML of one message or event.

    Raises:
        PushRefused: not XML, a DTD, or without what every message has.
    """
    data = _document(xml)
    openid, account = _field(data, "FromUserName", needed=True), _field(data, "ToUserName", needed=True)
    created = _field(data, "CreateTime", needed=True)
    kind = _KINDS.get(_field(data, "MsgType", needed=True).lower(), "unsupported")
    if not _NAME.fullmatch(openid) or not _NAME.fullmatch(account) or not re.fullmatch(r"[0-9]{1,12}", created):
        raise PushRefused("bad_field")
    common: dict[str, Any] = {"account": account, "openid": openid, "created": int(created)}
    if kind == "event":
        return _event(data, common)
    number = _field(data, "MsgId")
    if not _NAME.fullmatch(number):
        raise PushRefused("no_message_id")
    common |= {"key": f"{number}:{openid}:{created}", "number": int(number) if number.isdecimal() else 0}
    return _message(kind, data, common)


def _message(kind: Kind, data: Mapping[str, Any], common: dict[str, Any]) -> Inbound:
    text = _field(data, "Content")
    if kind == "text":
        unsupported = text.strip() == _UNSUPPORTED
        return Inbound(
            "unsupported" if unsupported else "text", text=text, menu_id=_field(data, "bizmsgmenuid"), **common
        )
    if kind == "location":
        latitude, longitude = _degrees(data, "Location_X", 90), _degrees(data, "Location_Y", 180)
        if latitude is None or longitude is None:
            raise PushRefused("bad_location")
        return Inbound(kind, latitude=latitude, longitude=longitude, label=_field(data, "Label")[:200], **common)
    if kind == "link":
        return Inbound(kind, text=f"{_field(data, 'Title')} {_field(data, 'Url')}".strip(), **common)
    if kind == "voice":
        text = _field(data, "Recognition").strip()
    media: dict[str, Any] = {"media_id": _field(data, "MediaId"), "media_format": _field(data, "Format")}
    return Inbound(kind, text=text if kind == "voice" else "", **media, **common)


def _event(data: Mapping[str, Any], common: dict[str, Any]) -> Inbound:
    event = _field(data, "Event", needed=True).lower()
    event_key, scene = _field(data, "EventKey"), ""
    if event == "subscribe_scan":  # wechatpy's name for a subscribe by code, already without the prefix
        event, scene = "subscribe", event_key
    elif event == "scan":
        scene = event_key
    report, decisions = _report(data), _decisions(data)
    about = "".join([event_key[:200], report.get("message_ref", ""), *(f"{name}={said}" for name, said in decisions)])
    key = f"{common['openid']}:{common['created']}:{event}:{about}"
    more: dict[str, Any] = {"event_key": event_key, "scene": scene, "decisions": decisions}
    return Inbound("event", key=key, event=event, **more, **report, **common)


def _report(data: Mapping[str, Any]) -> dict[str, Any]:
    """Number and state of a template or subscription message that WeChat reports on."""
    ref = _field(data, "MsgID") or _field(data, "MsgId")
    status = _field(data, "Status")
    template = ""
    for row in _rows(data, "SubscribeMsgSentEvent"):
        ref, template = _field(row, "MsgID"), _field(row, "TemplateId")
        status = "success" if _field(row, "ErrorCode") == "0" else _field(row, "ErrorStatus")
    return {"message_ref": ref, "status": status, "template": template} if ref else {}


def _decisions(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What was decided in a subscription's dialog, or in the list of one's subscriptions."""
    # the documentation's example of a change names its element like that of the dialog
    rows = [*_rows(data, "SubscribeMsgPopupEvent"), *_rows(data, "SubscribeMsgChangeEvent")]
    found = ((_field(row, "TemplateId"), _field(row, "SubscribeStatusString")) for row in rows)
    return tuple((template, status) for template, status in found if _NAME.fullmatch(template) and status)


def _rows(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The ``<List>`` elements inside an element."""
    inside = data.get(name)
    rows = inside.get("List") if isinstance(inside, Mapping) else None
    return [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, Mapping)]


def _document(xml: bytes) -> Mapping[str, Any]:
    """The fields of an ``<xml>`` document, by wechatpy's parser; whatever it raises is one refusal."""
    # A DTD can only stand before the root element: without one there are no entities to expand.
    if not _PROLOGUE.match(xml):
        raise PushRefused("not_xml")
    try:
        if b"<Encrypt>" in xml and b"<MsgType>" not in xml:
            xml = xml.replace(b"<xml>", b"<xml><MsgType>cipher</MsgType>", 1)  # wechatpy wants one in every document
        data = parse_message(xml.decode())._data
    except Exception:
        raise PushRefused("not_xml") from None
    if not isinstance(data, Mapping):
        raise PushRefused("not_xml")
    return data


def _field(data: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    """A field's text; nested or repeated elements are no text."""
    value = data.get(name)
    text = value if isinstance(value, str) else ""
    if needed and not text:
        raise PushRefused(f"no_{name}")
    return text


def _degrees(data: Mapping[str, Any], name: str, most: int) -> float | None:
    found = _field(data, name)
    if not re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,20})?", found):
        return None
    return float(found) if abs(float(found)) <= most else None


def passive_text(inbound: Inbound, text: str) -> str:
    """The XML that answers a push with a text; ``]]>`` inside would end the CDATA section."""
    safe = text.replace("]]>", "]]]]><![CDATA[>")
    reply = TextReply(source=inbound.account, target=inbound.openid, time=inbound.created, content=safe)
    return str(reply.render())


def seal(credentials: Credentials, envelope: Envelope, xml: str, now: float) -> str:
    """The reply as it goes out: encrypted with the key that opened the request, or as it is."""
    if envelope.aes_key is None:
        return xml
    key = BaseWeChatCrypto(credentials.token, envelope.aes_key, credentials.app_id).key
    nonce, timestamp = secrets.token_hex(8), str(int(now))
    encrypted = _Cipher(key).encrypt(xml, credentials.app_id).decode()
    signature = signature_of(credentials.token, timestamp, nonce, encrypted)
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )


class _Cipher(PrpCrypto):  # type: ignore[misc]
    """wechatpy's cipher with an unpredictable first block."""

    def get_random_string(self) -> str:
        return secrets.token_hex(8)
