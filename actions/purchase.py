"""The end of a purchase, shared by new policy and renewal: exclusions, read-back, application, payment."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from actions import answers, quoting
from actions.fields import choice, confirm_field
from actions.forms import Form
from actions.nodes import AskAgain, Draft, Field, Finish, Prompt, Step
from actions.plans_talk import answer_about_plans, by_code, covers_text, early_wish, money, sum_text, take_plan
from actions.services import backoffice
from actions.tasks import TASKS
from actions.turn import HUMAN, Turn, option
from chebao.errors import RuleForbids
from chebao.insurance.masking import mask_name, mask_phone

__all__ = ["PurchaseForm", "money", "relation_field", "sum_text", "tail"]

CLAUSES_VERSION = "2026-09"

_ONLY_LOOKING = re.compile(
    r"(问问|问一下|看看|了解)(一下|价|价格)?(而已|的)?[。.!！]*$|问价|考虑|比较(一下)?|对比|再说|回头|改天|想想|不急|不着急|暂时(不|先)|先不(买|办|投|急)|以后再|过(几天|阵子)"
)


class PurchaseForm(Form, ABC):
    """A form that sells: questions about the price are answered from the quote, and a price is had without obligation."""

    later_text = "好的，不着急，价格您先留着参考（以平台查询和核保为准）。刚才没有提交，想办的时候随时来。"

    async def watch(self, turn: Turn, draft: Draft) -> None:
        if not draft.get("plans") and (wish := early_wish(turn)):
            draft["wished"] = wish
        undecided = draft.get("plans") and "disclosure" not in draft and "platform" not in draft
        looking = len(turn.text) <= 24 and _ONLY_LOOKING.search(turn.text) and not turn.looks_like_question
        if undecided and looking and take_plan(turn, draft) is None:
            raise Finish(self.later_text)

    def restated(self, turn: Turn, draft: Draft, asked: Field) -> Field | None:
        """ "车损险不要了" while the clauses are read: the covers change, whatever was asked."""
        settled = "plan" in draft and asked.name != "plan" and not asked.free
        return self.field("plan") if settled and isinstance(take_plan(turn, draft), dict) else None

    async def respond(self, turn: Turn, draft: Draft) -> bool:
        if answer_about_plans(turn, draft):
            return True
        reading = "requote" in draft and "clauses" not in draft
        if reading and turn.looks_like_question and turn.intent not in TASKS and take_plan(turn, draft) is None:
            await answers.answer(turn, draft)
            return True
        return False


_EXCLUSIONS = (
    "酒驾、无证、逃逸、故意造成的事故，商业险不赔",
    "家用车跑网约车等改变用途没告知的，可能不赔",
    "改装没告知、年检过期等情形，可能影响赔付",
    "车上财物丢失、自然磨损、机械故障不在保障内",
)


def _clauses_prompt(turn: Turn, draft: Draft) -> Prompt:
    buttons = [option("我已阅读并同意", "clauses", "yes"), HUMAN]
    if draft.get("clauses_told") == draft["quote"]["quote_no"]:
        return Prompt(f"责任免除上面列了，全文见保险条款（版本 {CLAUSES_VERSION}）。请您看完条款后确认。", buttons)
    draft["clauses_told"] = draft["quote"]["quote_no"]
    lines = "\n".join(f"· {line}" for line in _EXCLUSIONS)
    return Prompt(
        f"投保前有几条责任免除要跟投保人本人说清楚：\n{lines}\n全文见保险条款（版本 {CLAUSES_VERSION}），哪一条想细问都可以。"
        "请您看完条款后确认。",
        buttons,
    )


_ACKNOWLEDGED = re.compile(
    r"同意|阅读|看完|看了|看过|知晓|知道了|没问题|没疑问|明白|清楚|确认|了解了|已了解|^(可以|好的?|OK|ok|嗯+|行)[的了吧啊。.!！]*$"
)
_NOT_YET = re.compile(
    r"不同意|没看|没读|还没|不(太|大)?(明白|清楚|懂|知道|理解)|没(太)?(明白|懂|看懂)|想问|等我|先不|有疑问|有问题"
)


def parse_clauses(turn: Turn, draft: Draft) -> Any:
    """The acknowledgement with the version shown; a doubt or a question is none."""
    agreed = _ACKNOWLEDGED.search(turn.text) and not _NOT_YET.search(turn.text) and not turn.looks_like_question
    if turn.pressed.get("clauses") == "yes" or agreed:
        return {"version": CLAUSES_VERSION, "at_message_id": turn.message_id}
    return None


def _clauses_field() -> Field:
    return Field(
        "clauses",
        "条款确认",
        _clauses_prompt,
        parse_clauses,
        "这几条关系到以后能不能赔，需要您本人看过；哪条有疑问直接问我。看完条款请回复“我已阅读并同意”。",
        depends=("quote", "requote"),
    )


_KIN = r"(爸|妈|父亲|母亲|老婆|老公|爱人|媳妇|对象|儿子|女儿|岳父|岳母|公公|婆婆|哥|姐|弟|妹|朋友|同事)"
_OTHERS_CAR = re.compile(
    rf"(给|帮|替|代)我?{_KIN}{{1,2}}[^，。！？]{{0,4}}(车|买|办|投|上|弄|保)|我{_KIN}{{1,2}}的?(那[台辆])?(车|买了|名下)|(公司|单位|企业)(名下)?的?车"
)
_OWN_CAR = re.compile(r"我自己的车|我名下|车主(就)?是我|我(就)?是车主|本人名下")


def _take_relation(turn: Turn, draft: Draft) -> str | None:
    """Whose car it is, told in passing: "给我爸的车买个保险"."""
    if _OTHERS_CAR.search(turn.text):
        return "family"
    return "self" if _OWN_CAR.search(turn.text) and not turn.looks_like_question else None


def relation_field(question: str) -> Field:
    """Whether the customer owns the car that he insures."""
    return choice(
        "relation",
        "与车主关系",
        question,
        [
            ("是我本人", "self", r"^(?!不是).*(本人|是我|我是|自己|我的)|^(是|对|嗯)"),
            ("替车主办理", "family", r"家人|老婆|老公|爱人|父|母|爸|妈|儿|女|朋友|代|替|别人|公司|单位|不是"),
        ],
        explain="车主就是您，回复“是我本人”；车主是家人或单位，回复“替车主办理”。",
        words=("投保人", "车主", "本人"),
        take=_take_relation,
    )


def _holder_lines(turn: Turn, draft: Draft) -> list[str]:
    """The policyholder, who agrees to the contract; who has just told his name reads it among the other answers."""
    known = turn.verified or {}
    if draft.get("enrolled") or not known.get("name"):
        return []
    return [f"投保人：{mask_name(known['name'])}（{mask_phone(known['phone'])}）"]


def read_back_text(form: Form, turn: Turn, draft: Draft) -> str:
    """Everything that is going to be applied for, before the customer confirms."""
    start = str(draft["quote"]["start"])
    begins = f"{start[:10]} {'0 点' if start[11:16] in ('', '00:00') else start[11:16]}"
    lines = [
        *_holder_lines(turn, draft),
        *form.read_back(turn, draft),
        f"方案：{covers_text(by_code(draft)[draft['plan']]['covers'])}",
        f"生效：{'付款出单后即时生效' if draft.get('start') == 'immediate' else begins}",
        f"合计：{money(draft['quote']['total'])} 元",
    ]
    return "最后核对一遍：\n" + "\n".join(lines) + "\n都对的话请确认，我就提交并发付款链接。"


def _missing_documents(draft: Draft) -> list[str]:
    later = {"vin": "车架号", "first_beneficiary": "第一受益人名称"}
    return [name for field, name in later.items() if draft.get(field) == "later"]


async def submit(turn: Turn, draft: Draft, kind: str) -> None:
    """Files the application and shows how to pay; the policy numbers come by themselves once it is paid."""
    verified = turn.verified or {}
    lender = draft.get("first_beneficiary") if (draft.get("disclosure") or {}).get("loan") else None
    body = {
        "kind": kind,
        "quote_no": draft["quote"]["quote_no"],
        "policyholder": {
            "name": verified.get("name"),
            "phone": verified.get("phone"),
            "customer_id": turn.customer_id,
        },
        "owner": {"name": draft.get("owner_name") or verified.get("name")},
        "relation": draft.get("relation", "self"),
        "first_beneficiary": None if lender == "later" else lender,
        "clauses_acknowledged": draft["clauses"],
        "documents_missing": _missing_documents(draft),
        "documents": [{"id": draft["vin_photo"], "name": "车架号照片"}] if draft.get("vin") == "photo" else [],
        "reference": turn.sender,
    }
    key = f"{turn.sender}:{draft['confirm']['at']}:create_application"
    try:
        row = await backoffice().create_application(body, key)
    except RuleForbids as forbidden:
        if forbidden.code != "quote_expired":
            raise
        turn.say("刚才的报价过了有效期，我按今天的情况重新算。")
        raise AskAgain("quote") from None
    _tell_payment(turn, row)
    raise Finish


_WAITS = {
    "inspection_required": "商业险要先验车，通过后再单独付款生效；交强险现在就能付款。",
    "referred": "商业险已转核保同事，结果会在这里通知您；交强险现在就能付款。",
    "declined": "商业险这次没能承保，交强险现在就能付款。",
}


def _tell_payment(turn: Turn, row: Mapping[str, Any]) -> None:
    compulsory, commercial = row["compulsory"], row.get("commercial") or {}
    due = [("交强险", compulsory["price"])]
    if commercial.get("status") == "awaiting_payment":
        due.append(("商业险", commercial["price"]))
    if Decimal(str(row.get("vehicle_tax") or 0)):
        due.append(("车船税（代收）", row["vehicle_tax"]))
    total = money(sum(Decimal(str(amount)) for _, amount in due))
    missing = row.get("documents_missing") or []
    turn.say(
        f"投保单 {row['application_no']} 已提交。"
        + _WAITS.get(commercial.get("status", ""), "核保已通过。")
        + (f"{'、'.join(missing)}方便时发给我补上就行，不影响付款。" if missing else "")
        + f"请在付款页面支付 {total} 元：{row['pay_url']} 付款后保单号会自动发到这里。"
    )
    turn.card(
        {
            "type": "payment",
            "application_no": row["application_no"],
            "total": total,
            "url": row["pay_url"],
            "expires_at": row.get("pay_expires_at") or "",
            "lines": [{"name": name, "amount": money(amount)} for name, amount in due],
        }
    )


def tail(kind: str, form: Callable[[], type[PurchaseForm]]) -> tuple[Field | Step, ...]:
    """The nodes from the disclosure on. `form` gives the form's class once it exists."""

    async def file(turn: Turn, draft: Draft) -> None:
        await submit(turn, draft, kind)

    facts = ("plan", "disclosure", "modification", "first_beneficiary", "relation", "start")
    return (
        quoting.disclosure_field(),
        quoting.modification_field(),
        quoting.beneficiary_field(),
        Step(
            "quote",
            quoting.make_quote,
            depends=(
                "adjusted",
                "plan",
                "disclosure",
                "modification",
                "relation",
                "vin",
                "previous_end",
                "transferred",
            ),
        ),
        quoting.start_field(),
        Step("requote", quoting.requote, depends=("start", "quote")),
        _clauses_field(),
        confirm_field(
            lambda t, d: read_back_text(form()(), t, d),
            "确认投保" if kind == "new_policy" else "确认续保",
            depends=(*facts, "quote", "requote", "clauses"),
        ),
        Step("submitted", file, depends=("confirm",)),
    )
