"""缴费问题, 发票与电子保单."""

from __future__ import annotations

import re
from typing import Any

from actions import handoff, identity
from actions.fields import choice, confirm_field
from actions.forms import Form
from actions.nodes import Draft, Field, Finish, Prompt, Step
from actions.policies import choose_policy, confirmed, load_policies, own_policy, policy_field
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command, option
from chebao.errors import RuleForbids
from chebao.handoff import Summary

_TROUBLES = (
    ("付款链接打不开/过期", "link", r"链接|打不开|失效|过期|超时|点不开|二维码|页面"),
    ("付款失败", "failed", r"失败|付不了|支付不了|付不出|不成功|报错|没付成|交不了"),
    ("重复扣款", "double", r"重复|两次|两笔|多扣|扣了?(2|二)"),
    (
        "付了没收到保单",
        "unconfirmed",
        r"没收到|没到|没确认|没出单|没有?保单|没反应|没显示|没看到|不到账|未到账|付(好|完|过|掉)|已经?(付|支付|缴)",
    ),
)
_PAYABLE = ("awaiting_payment", "inspection_required", "referred")


def _take_trouble(turn: Turn, draft: Draft) -> str | None:
    return next((value for _, value, words in _TROUBLES if re.search(words, turn.text)), None)


async def _help_paying(turn: Turn, draft: Draft) -> None:
    """A new link where one is due, the policy numbers where they exist, else a person."""
    rows = await backoffice().applications(as_customer=turn.customer_id) if turn.customer_id else []
    if draft["trouble"] in ("link", "failed"):
        await _new_link(turn, [r for r in rows if r["status"] in _PAYABLE])
    issued = [r for r in rows if r["status"] == "issued"]
    if draft["trouble"] == "unconfirmed" and issued:
        parts = (issued[0]["compulsory"], issued[0].get("commercial") or {})
        numbers = [p["policy_no"] for p in parts if p.get("policy_no")]
        raise Finish(f"查到已经出单了，保单号：{'、'.join(numbers)}。", [command("看保单内容", "policy_query")])
    waiting = [r for r in rows if r["status"] in _PAYABLE]
    if draft["trouble"] == "unconfirmed" and waiting:
        raise Finish(
            f"投保单 {waiting[0]['application_no']} 暂时没有查到付款到账。已经扣款的话，请人工同事马上核对；还没付的话，"
            f"付款页面在这里：{waiting[0]['pay_url']}",
            [HUMAN],
        )
    if draft["trouble"] in ("link", "failed") and not rows:
        raise Finish(
            "您名下现在没有等待付款的投保单。链接可能属于别的手机号，也可以重新算一次价格。",
            [command("买车险", "new_policy"), command("续保", "renewal"), HUMAN],
        )
    turn.say("这笔款项我没法直接核到，请财务同事帮您查；扣款记录请先留好，多扣的会原路退回。")
    what = {value: title for title, value, _ in _TROUBLES}[draft["trouble"]]
    numbers = [("投保单", str(row["application_no"])) for row in waiting]
    summary = Summary(f"缴费问题：{what}", numbers, ["查过名下投保单，核不到这笔款项"], "扣款有没有到账、要不要退回")
    handoff.request(turn, "tool_failure", summary, draft, task="payment_issue")
    raise Finish


async def _new_link(turn: Turn, waiting: list[dict[str, Any]]) -> None:
    for row in waiting:
        key = turn.key(f"resend_payment:{row['application_no']}")
        try:
            fresh = await backoffice().resend_payment(row["application_no"], key, as_customer=turn.customer_id)
        except RuleForbids:
            continue
        car = f"（{fresh['plate']}）" if fresh.get("plate") else ""
        turn.say(
            f"投保单 {fresh['application_no']}{car}换了新的付款链接，旧链接已作废：{fresh['pay_url']} 付完保单号会自动发到这里。"
        )
        raise Finish


class PaymentIssueForm(Form):
    """A payment that failed, doubled or was not confirmed."""

    task = "payment_issue"
    stop_text = "好的，先停在这里。付款有问题随时叫我。"
    nodes = (
        choice(
            "trouble",
            "缴费问题",
            "别着急，付款遇到的是哪种情况？",
            _TROUBLES,
            explain="点一个最接近的就行；都不像的话可以转人工。",
            take=_take_trouble,
        ),
        *identity.nodes(),
        Step("helped", _help_paying),
    )


def parse_title(turn: Turn, draft: Draft) -> Any:
    """``personal`` or the company's name."""
    if "title" in turn.pressed:
        return turn.pressed["title"]
    if re.search(r"个人|自己|本人|我的名", turn.text):
        return "personal"
    said = re.sub(r"^(发票)?(抬头|公司|单位|开|写|是|给|的|名称|[:：])+", "", turn.text.strip())
    return said[:100] if len(said) >= 4 else None


def _take_title(turn: Turn, draft: Draft) -> str | None:
    company = re.search(r"[\u4e00-\u9fa5（）()]{2,30}(有限(责任)?公司|股份公司|集团|事务所)", turn.text)
    if company:
        return re.sub(r"^.*(抬头|开给|开|写|是|给|到)(?=.{4})", "", company.group())
    return "personal" if re.search(r"个人(抬头|发票|的发票)|抬头.{0,3}个人", turn.text) else None


def _parse_email(turn: Turn, draft: Draft) -> Any:
    found = re.search(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", turn.text, re.ASCII)
    return found.group() if found else None


def _parse_tax_no(turn: Turn, draft: Draft) -> Any:
    found = re.search(r"(?<![0-9A-Za-z@.])[0-9A-Za-z]{15,20}(?![0-9A-Za-z@.])", turn.text)
    return found.group().upper() if found else None


async def _invoice(turn: Turn, draft: Draft) -> None:
    own = (turn.verified or {}).get("name") or "个人"
    body = {
        "policy_no": draft["policy_no"],
        "title": own if draft["title"] == "personal" else draft["title"],
        "tax_no": draft.get("tax_no"),
        "email": draft["email"],
        "customer_id": turn.customer_id,
        "reference": turn.sender,
    }
    row = await backoffice().create_invoice(body, confirmed(turn, draft, "create_invoice"))
    turn.say(f"电子发票已申请，受理号 {row['invoice_no']}，会连同电子保单发到 {draft['email']}。")
    raise Finish


def _for_company(turn: Turn, draft: Draft) -> bool:
    return draft.get("title") != "personal"


def _invoice_text(turn: Turn, draft: Draft) -> str:
    return "\n".join(["我这样申请：", *InvoiceForm().read_back(turn, draft), "内容对的话请确认提交。"])


def _title_field() -> Field:
    return Field(
        "title",
        "发票抬头",
        lambda t, d: Prompt(
            "开公司的话直接发公司全称。发票抬头开个人还是公司？", [option("个人", "title", "personal")]
        ),
        parse_title,
        "个人就回复“个人”；公司请发营业执照上的全称。",
        words=("抬头",),
        take=_take_title,
        free=True,
        show=lambda v: "个人" if v == "personal" else str(v),
    )


def _tax_no_field() -> Field:
    return Field(
        "tax_no",
        "税号",
        lambda t, d: Prompt("公司的税号（纳税人识别号）是多少？"),
        _parse_tax_no,
        "税号是 15 到 20 位数字或字母，营业执照上有。",
        words=("税号",),
        take=_parse_tax_no,
        needed=_for_company,
        depends=("title",),
        show=str,
    )


def _email_field() -> Field:
    return Field(
        "email",
        "邮箱",
        lambda t, d: Prompt("电子发票发到哪个邮箱？"),
        _parse_email,
        "请发完整的邮箱地址，比如 name@example.com。",
        words=("邮箱",),
        take=_parse_email,
        show=str,
    )


class InvoiceForm(Form):
    """An electronic invoice and the e-policy by mail."""

    task = "invoice"
    stop_text = "好的，发票先不开了，需要时随时叫我。"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        Step("chosen", choose_policy),
        policy_field("要开哪一张保单的发票？"),
        Step("own", own_policy, depends=("policy_no",)),
        _title_field(),
        _tax_no_field(),
        _email_field(),
        confirm_field(_invoice_text, "确认提交", depends=("policy_no", "title", "tax_no", "email")),
        Step("submitted", _invoice, depends=("confirm",)),
    )

    async def begin(self, turn: Turn, draft: Draft) -> None:
        draft["about"] = turn.text[:200]
