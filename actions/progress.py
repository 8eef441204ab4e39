"""理赔进度 and 理赔异议: the customer's own claims, and only those."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from actions import handoff, identity, photos
from actions.fields import confirm_field, text
from actions.forms import Form
from actions.nodes import KEPT, AskAgain, Draft, Field, Finish, GoTo, Prompt, Step
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command, numbered, option
from chebao.errors import NotFound
from chebao.handoff import Summary
from chebao.insurance import accidents, clocks, money
from chebao.insurance.policy_numbers import find_claim_nos

STATUS = {
    "reported": "已报案，等待查勘",
    "surveying": "查勘中",
    "documents_missing": "材料待补齐",
    "loss_assessed": "已定损",
    "adjudicating": "核赔中",
    "agreed": "已达成赔付协议，等待付款",
    "paid": "已赔付",
    "refused": "未予赔付",
    "withdrawn": "已撤案",
}
_PATH = ("reported", "surveying", "loss_assessed", "adjudicating", "agreed", "paid")


def _take_claim_no(turn: Turn, draft: Draft) -> str | None:
    found = find_claim_nos(turn.text)
    return found[0].value if found else turn.pressed.get("claim_no")


async def _list_claims(turn: Turn, draft: Draft) -> list[dict[str, str]]:
    """The verified customer's claims; a single one is taken without asking."""
    if turn.customer_id is None:
        raise Finish(
            "没有查到您名下的报案。手机号对的话，可能还没报过案；也可以请人工同事帮您查。",
            [command("我要报案", "report_claim"), HUMAN],
        )
    rows = await backoffice().claims(as_customer=turn.customer_id)
    if not rows and "claim_no" not in draft:
        raise Finish("没有查到您名下的报案。如果刚出事故，可以现在报案。", [command("我要报案", "report_claim"), HUMAN])
    if len(rows) == 1 and "claim_no" not in draft:
        draft["claim_no"] = rows[0]["claim_no"]
    return [{"no": r["claim_no"], "what": r["occurred_at"][5:10]} for r in rows]


async def _take_just_told(turn: Turn, draft: Draft) -> None:
    """Who contradicts right after hearing how his claim stands means that one."""
    last = turn.tracker.slots.get(photos.LAST_CLAIM)
    if "claim_no" not in draft and last in [claim["no"] for claim in draft["claims"]]:
        draft["claim_no"] = last


def _ask_claim(turn: Turn, draft: Draft) -> Prompt:
    rows = draft.get("claims") or []
    return Prompt(
        "点下面的，或者直接发报案号都行。您想查哪个报案号？",
        [option(f"{r['no']}（{r['what'][:5]}）", "claim_no", r["no"]) for r in rows[:5]],
    )


def _claim_field(label: str) -> Field:
    return Field(
        "claim_no",
        label,
        _ask_claim,
        _take_claim_no,
        "报案号是 CL 开头加 10 位数字，报案时短信发过；也可以直接点上面列出的。",
        words=("报案号",),
        take=_take_claim_no,
        show=str,
    )


async def _load(turn: Turn, draft: Draft) -> dict[str, Any]:
    try:
        return await backoffice().claim(draft["claim_no"], as_customer=turn.customer_id)
    except NotFound:
        no = draft["claim_no"]
        turn.say(f"没有查到报案号 {no} 对应的您的案件，请核对报案号。")
        if draft.get("not_found") or not draft.get("claims"):
            raise Finish(
                "可以换报案时用的手机号再查，或者请人工同事帮您核对。", [command("重新查询", "claim_progress"), HUMAN]
            ) from None
        draft["not_found"] = True
        raise AskAgain("claim_no") from None


async def _tell_progress(turn: Turn, draft: Draft) -> None:
    claim = await _load(turn, draft)
    status = claim["status"]
    said = f"报案号 {claim['claim_no']}：目前{STATUS.get(status, status)}。"
    if claim.get("assessed_amount") and status not in ("refused", "withdrawn"):
        said += f"定损金额 {_yuan(claim['assessed_amount'])} 元。"
    if status == "paid":
        said += f"已付赔款 {_yuan(claim['paid_amount'])} 元。"
    if status == "documents_missing" and claim.get("missing"):
        said += f"还差：{'、'.join(claim['missing'])}，补齐后就能往下走。"
    if status == "refused":
        said += f"原因：{claim.get('reason') or '见书面通知'}。对结果有异议可以申请复核，或拨打 12378 向监管反映。"
    turn.say(said, [command("申请复核", "claim_dispute", claim_no=claim["claim_no"])] if status == "refused" else ())
    turn.card(
        {
            "type": "progress",
            "claim_no": claim["claim_no"],
            "status": STATUS.get(status, status),
            "steps": _steps(claim),
            "amount": _yuan(claim["assessed_amount"]) if claim.get("assessed_amount") else None,
        }
    )
    draft[KEPT] = {photos.LAST_CLAIM: claim["claim_no"]}
    kind = "commercial" if claim.get("policy_no") else "compulsory"
    legal = clocks.claim_clocks(kind, claim) if status not in ("paid", "withdrawn") else []
    if legal:
        turn.say("法定时限供您参考：\n" + numbered(legal[:3]))
    if claim.get("surveyor"):
        turn.say(f"有细节想问，可以联系查勘员 {claim['surveyor']}（{claim['surveyor_phone']}）。")
    raise Finish


def _yuan(value: Any) -> str:
    return money.show(Decimal(str(value)))


def _steps(claim: dict[str, Any]) -> list[dict[str, Any]]:
    reached = {h["status"]: h.get("at") for h in claim.get("history", [])}
    status = claim["status"]
    path = _PATH if status in _PATH else ("reported", "surveying", status)
    until = path.index(status)
    return [
        {"name": STATUS[s], "at": (reached.get(s) or "")[:10] or None, "done": n <= until} for n, s in enumerate(path)
    ]


class ClaimProgressForm(Form):
    """Where a claim stands, with amount, missing papers and legal clocks."""

    task = "claim_progress"
    stop_text = "好的，先不查了。想看进度随时发报案号给我。"

    nodes = (
        *identity.nodes(),
        Step("claims", _list_claims),
        _claim_field("报案号"),
        Step("told", _tell_progress, depends=("claim_no",)),
    )


async def _check_own(turn: Turn, draft: Draft) -> None:
    claim = await _load(turn, draft)
    turn.say(
        f"查到报案号 {claim['claim_no']}，目前{STATUS.get(claim['status'], claim['status'])}。您的意见我来登记，会由另一位同事复核。"
    )


async def _dispute(turn: Turn, draft: Draft) -> None:
    key = f"{turn.sender}:{draft['confirm']['at']}:dispute_claim"
    await backoffice().dispute_claim(draft["claim_no"], draft["dispute"], key, as_customer=turn.customer_id)
    turn.say(
        "复核申请已登记，会由没有经手过的同事重新核对，并给您书面答复。对答复仍不满意，可以投诉，或拨打 12378 向监管反映。"
    )
    summary = Summary(
        f"对理赔 {draft['claim_no']} 有异议，复核申请已登记",
        [("意见", draft["dispute"][:200])],
        open="由没有经手过的同事复核",
    )
    handoff.request(turn, "policy_restriction", summary, draft, task="claim_dispute")
    raise Finish


_OWN_CASE = re.compile(r"定损|赔|拒|复核|申诉|案|金额|结果|异议|认定书|核价|CL\d", re.IGNORECASE)


async def _is_new_accident(turn: Turn, draft: Draft) -> None:
    """ "两车剐蹭，对方不承认" is no quarrel with us: it is a report."""
    if turn.text and accidents.accident_type_of(turn.text) and not _OWN_CASE.search(turn.text):
        raise GoTo("report_claim")


class ClaimDisputeForm(Form):
    """Disagreement with assessment, amount or refusal: written down, then a person."""

    task = "claim_dispute"

    nodes = (
        Step("about_a_case", _is_new_accident),
        *identity.nodes(),
        Step("claims", _list_claims),
        Step("just_told", _take_just_told),
        _claim_field("报案号"),
        Step("own", _check_own, depends=("claim_no",)),
        text(
            "dispute",
            "异议内容",
            "简单描述就行，比如“定损少了右大灯”。您对哪一点有异议？",
            explain="说一句不认可的地方和您希望的结果就行，有照片、维修报价也可以一起发。",
            least=4,
        ),
        confirm_field(
            lambda t, d: f"我这样登记：{d['claim_no']}，{d['dispute']}。内容正确的话请确认提交。",
            "确认提交",
            depends=("claim_no", "dispute"),
        ),
        Step("submitted", _dispute, depends=("confirm",)),
    )
