"""缴费问题, 发票与电子保单."""

from __future__ import annotations

import re
from typing import Any

from actions import handoff, identity
from actions.fields import choice, confirm_field, text
from actions.forms import Draft, Field, Finish, Form, Prompt, Step
from actions.policies import load_policies, policy_field
from actions.services import backoffice
from actions.turn import Turn, option

_TROUBLES = (
    ("付款链接打不开/过期", "link", r"链接|打不开|失效|过期|超时"),
    ("付款失败", "failed", r"失败|付不了|支付不了|不成功|报错"),
    ("重复扣款", "double", r"重复|两次|多扣|扣了?2"),
    ("付了没收到保单", "unconfirmed", r"没收到|没到|没确认|没出单|没有?保单|没反应|没显示"),
)


def _take_trouble(turn: Turn, draft: Draft) -> str | None:
    return next((value for _, value, words in _TROUBLES if re.search(words, turn.text)), None)


async def _help_paying(turn: Turn, draft: Draft) -> None:
    rows = await backoffice().applications(as_customer=turn.customer_id) if turn.customer_id else []
    waiting = [r for r in rows if r["status"] == "awaiting_payment"]
    if draft["trouble"] in ("link", "failed") and waiting:
        row = await backoffice().resend_payment(
            waiting[0]["application_no"], turn.key("resend_payment"), as_customer=turn.customer_id
        )
        turn.say(f"给您换了新的付款链接：{row['pay_url']} 旧链接已作废。付完保单号会自动发到这里。")
        raise Finish
    issued = [r for r in rows if r["status"] == "issued"]
    if draft["trouble"] == "unconfirmed" and issued:
        numbers = [p["policy_no"] for p in (issued[0]["compulsory"], issued[0].get("commercial") or {}) if p.get("policy_no")]
        turn.say(f"查到已经出单了，保单号：{'、'.join(numbers)}。")
        raise Finish
    what = dict((v, n) for n, v, _ in _TROUBLES)[draft["trouble"]]
    turn.say("这笔款项我没法直接核到，请财务同事帮您查；扣款记录请先留好，多扣的会原路退回。")
    handoff.request(turn, "tool_failure", f"缴费问题：{what}。", draft)
    raise Finish


class PaymentIssueForm(Form):
    """A payment that failed, doubled or was not confirmed."""

    task = "payment_issue"
    nodes = (
        choice("trouble", "缴费问题", "别着急，是哪种情况？", _TROUBLES,
               explain="点一个最接近的就行；都不像的话可以转人工。", take=_take_trouble),
        *identity.nodes(),
        Step("helped", _help_paying),
    )


def _parse_title(turn: Turn, draft: Draft) -> Any:
    if "title" in turn.pressed:
        return turn.pressed["title"]
    if re.search(r"个人|自己|本人|我的名", turn.text):
        return "personal"
    said = re.sub(r"^(抬头|公司|开|写|是)+(是|[:：])?", "", turn.text.strip())
    return said[:100] if len(said) >= 2 else None


def _parse_email(turn: Turn, draft: Draft) -> Any:
    found = re.search(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", turn.text)
    return found.group() if found else None


def _parse_tax_no(turn: Turn, draft: Draft) -> Any:
    found = re.search(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15,20}(?![0-9A-Za-z])", turn.text)
    return found.group().upper() if found else None


async def _invoice(turn: Turn, draft: Draft) -> None:
    title = (turn.verified or {}).get("name") or "个人" if draft["title"] == "personal" else draft["title"]
    body = {"policy_no": draft["policy_no"], "title": title, "tax_no": draft.get("tax_no"), "email": draft["email"],
            "customer_id": turn.customer_id, "reference": turn.sender}
    row = await backoffice().create_invoice(body, f"{turn.sender}:{draft['confirm']['at']}:create_invoice")
    turn.say(f"电子发票已申请，受理号 {row['invoice_no']}，会连同电子保单发到 {draft['email']}。")
    raise Finish


class InvoiceForm(Form):
    """An electronic invoice and the e-policy by mail."""

    task = "invoice"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        policy_field("要开哪一张保单的发票？"),
        Field("title", "发票抬头", lambda t, d: Prompt("发票抬头开个人还是公司？开公司请直接发公司名称。", [option("个人", "title", "personal")]),
              _parse_title, "个人就回复“个人”；公司请发营业执照上的全称。", words=("抬头",), free=True,
              show=lambda v: "个人" if v == "personal" else v),
        Field("tax_no", "税号", lambda t, d: Prompt("公司的纳税人识别号是？"), _parse_tax_no, "税号是 15 到 20 位数字或字母，营业执照上有。",
              words=("税号",), needed=lambda t, d: d.get("title") != "personal", depends=("title",), show=str),
        Field("email", "邮箱", lambda t, d: Prompt("电子发票发到哪个邮箱？"), _parse_email, "请发完整的邮箱地址，比如 name@example.com。",
              words=("邮箱",), take=_parse_email, show=str),
        confirm_field(lambda t, d: "\n".join(["我这样申请：", *InvoiceForm().read_back(t, d), "内容正确的话请确认提交。"]), "确认提交",
                      depends=("policy_no", "title", "tax_no", "email")),
        Step("submitted", _invoice, depends=("confirm",)),
    )


