"""投诉: apology, what happened, what is wanted, a number and its level; then a person. Taken before identity."""

from __future__ import annotations

import re
from typing import Any

from chebao.insurance import complaints, plate
from chebao.insurance.policy_numbers import find_claim_nos, find_policy_nos

from actions import handoff
from actions.fields import confirm_field, phone_field, text
from actions.forms import Draft, Field, Finish, Form, Prompt, Step
from actions.services import backoffice
from actions.turn import Turn, option

_WITHIN = {1: "24 小时", 2: "48 小时", 3: "立即由主管"}


async def _sorry(turn: Turn, draft: Draft) -> None:
    turn.say("给您添麻烦了，真的很抱歉，您的感受我理解。我先把情况记下来，马上给您受理编号，并交给没有参与过这件事的同事处理。")


def _parse_about(turn: Turn, draft: Draft) -> Any:
    if "about" in turn.pressed:
        return {}
    about: dict[str, str] = {}
    for key, found in (("claim_no", find_claim_nos(turn.text)), ("policy_no", find_policy_nos(turn.text)), ("plate", plate.find_plates(turn.text))):
        if found:
            about[key] = found[0].value
    if about:
        return about
    return {} if re.search(r"没有|不记得|跳过|忘|不知道|无|没", turn.text) else None


def _take_about(turn: Turn, draft: Draft) -> Any:
    return _parse_about(turn, draft) or None


def _show_about(value: dict[str, str]) -> str:
    return "、".join(value.values()) or "未提供"


async def _file(turn: Turn, draft: Draft) -> None:
    told = f"{draft.get('opening', '')} {draft['story']}".strip()
    level = complaints.level_of(told)
    about = draft.get("about") or {}
    body = {
        "text": told[:1000], "level": level, "wants": draft["wants"], **about,
        "name": (turn.verified or {}).get("name"), "phone": draft["phone"], "customer_id": turn.customer_id,
        "reference": turn.sender,
    }
    row = await backoffice().create_complaint(body, f"{turn.sender}:{draft['confirm']['at']}:create_complaint")
    turn.say(
        f"投诉已受理，编号 {row['complaint_no']}（{level} 级），我们会在{_WITHIN[level]}内跟您联系；"
        "按监管规定一般 15 日内给出处理决定，复杂的 30 日内。"
    )
    handoff.request(turn, "complaint", f"投诉 {row['complaint_no']}（{level} 级）：{draft['story'][:120]}；诉求：{draft['wants'][:60]}", draft)
    raise Finish


class ComplaintForm(Form):
    """Takes a complaint down; level 3 goes to a supervisor at once."""

    task = "complaint"
    stop_text = "好的，先不登记。您的意见我们一样重视，随时可以再说。"

    async def begin(self, turn: Turn, draft: Draft) -> None:
        draft["opening"] = turn.text[:300]

    nodes = (
        Step("sorry", _sorry),
        text("story", "事情经过", "请说说具体经过，是什么时间、哪位同事或哪个环节？",
             explain="说一两句就行，比如“上周三定损员说话很冲”。记不清时间也没关系。", words=("经过",), least=4),
        text("wants", "诉求", "您希望怎么处理？", explain="比如道歉、换人处理、尽快赔付，说您最在意的就行。", words=("诉求", "希望")),
        Field("about", "相关单号", lambda t, d: Prompt("和哪张保单或哪笔理赔有关？有报案号、保单号或车牌就发一个。", [option("没有/不记得", "about", "")]),
              _parse_about, "报案号、保单号、车牌，有一个就行；都没有就回复“没有”。", words=("保单", "报案号", "车牌"), take=_take_about, show=_show_about),
        phone_field("处理同事打哪个电话联系您？请发手机号。"),
        confirm_field(lambda t, d: "\n".join(["我这样登记：", *ComplaintForm().read_back(t, d), "内容正确的话请确认提交。"]), "确认提交",
                      depends=("story", "wants", "about", "phone")),
        Step("submitted", _file, depends=("confirm",)),
    )
