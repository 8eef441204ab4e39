"""Photos in the dialogues: the shot list of a claim, flawed pictures, the place on them, and what a licence says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from rasa_sdk.events import SlotSet

from actions.nodes import Draft, Miss, Prompt
from actions.services import backoffice
from actions.turn import HUMAN, Turn, Wants, option
from chebao.errors import ChebaoError, RuleForbids
from chebao.insurance.masking import mask_name
from chebao.insurance.shots import DOCUMENTS, Shot, shots_for

LAST_CLAIM: Final = "last_claim_no"
"""Slot with the number of the report just made, for photos that follow it."""

NOT_THE_CARS: Final = "这张是驾驶证，买保险看的是车的行驶证。请拍行驶证的正页，直接打字也可以。"
UNREAD: Final = "这张照片上的字没认出来。请把证件摊平、拍清楚再发一张，直接打字也可以。"

_CARS: Final = (("plate", "车牌"), ("vin", "车架号"), ("owner", "所有人"), ("registered_on", "注册日期"))
_DRIVERS: Final = (
    ("name", "姓名"),
    ("classes", "准驾车型"),
    ("first_issued_on", "初次领证"),
    ("valid_until", "有效期至"),
)

_FLAWS: Final = {
    "blurred": "有点糊，看不清细节，请对好焦再拍一张",
    "dark": "太暗了，看不清细节，请开闪光灯或换个亮的地方再拍一张",
}
_LATER: Final = re.compile(
    r"稍后|晚点|等会|一会|以后|跳过|没有?(照片|拍)?|不(传|用|拍|方便|了)|回头|待会|没拍|改天|明天|好的|可以|嗯|行"
)
_NOT_THIS: Final = re.compile(r"(不|没)(在|是|对)|别的|另外|不一样")
_THERE: Final = re.compile(r"^(是|对|嗯|就(是|在)|没错|好|在那|确认)")


# --- the shot list of a claim -------------------------------------------------------------------------------------


def receive(turn: Turn, draft: Draft) -> None:
    """Keeps the pictures of a message with the report, the legible ones under the shots that are still missing."""
    shots, asked = draft.setdefault("shots", {}), turn.tracker.slots.get("requested_slot") == "photos"
    flaws = []
    for attachment in turn.attachments:
        draft["photo_ids"] = [*draft.get("photo_ids", []), attachment["id"]]
        if flaw := _FLAWS.get(str(attachment.get("flaw"))):
            flaws.append(f"第 {len(draft['photo_ids'])} 张{flaw}。")
        elif shot := _shot_of(attachment, draft, asked):
            shots[shot.code] = attachment["id"]
        if place := attachment.get("place"):
            draft.setdefault("photo_place", place)
    if flaws:
        turn.say("\n".join(flaws))
    if not asked:
        turn.say(f"照片已收到（共 {len(draft['photo_ids'])} 张），会一起登记。")


def _shot_of(attachment: Mapping[str, Any], draft: Draft, asked: bool) -> Shot | None:
    """A licence is known as such; what else is sent while the list is gone through is the next shot on it."""
    kind = (attachment.get("facts") or {}).get("kind")
    paper = next((shot for shot in DOCUMENTS if shot.code == kind), None)
    if paper or not asked:
        return paper
    return next(iter(_missing(draft)), None)


def _missing(draft: Draft) -> list[Shot]:
    other_car = draft.get("accident_type") in ("rear_end", "collision", "sideswipe")
    wanted = shots_for(str(draft.get("accident_type")), other_car=other_car)
    return [shot for shot in wanted if shot.code not in draft.get("shots", {})]


def ask_photos(turn: Turn, draft: Draft) -> Prompt:
    """Asks for the next shot and says which are missing; nobody has to send any now."""
    missing = _missing(draft)
    if not missing:
        return Prompt("照片都齐了，还想补充可以接着发。", [option("传完了", "photos", "done")])
    wants: Wants = "licence" if missing[0] in DOCUMENTS else ""
    following = f"请拍{missing[0].name}：{missing[0].how}。"
    if got := len(draft.get("photo_ids", [])):
        buttons = [option("传完了", "photos", "done"), option("其余稍后上传", "photos", "later")]
        names = "、".join(shot.name for shot in missing)
        told = f"已收到 {got} 张，还差：{names}。发完点“传完了”；下一张{following}其余照片现在发，还是稍后上传？"
        return Prompt(told, buttons, wants)
    names = "、".join(shot.name for shot in missing)
    return Prompt(
        f"一共要这几样照片：{names}。先{following}照片现在发，还是稍后上传？",
        [option("稍后上传", "photos", "later")],
        wants,
    )


def take_photos(turn: Turn, draft: Draft) -> str | None:
    """ "算了，照片不传了" gives up the photos, not the report."""
    return "later" if re.search(r"(不|晚点|稍后|回头|以后)再?(传|拍|发照片|上传)", turn.text) else None


def parse_photos(turn: Turn, draft: Draft) -> Any:
    if turn.attachments:
        return Miss(ask_photos(turn, draft).text) if _missing(draft) else "done"
    if "photos" in turn.pressed:
        return turn.pressed["photos"]
    if _LATER.search(turn.text):
        return "later"
    if re.search(r"传完|发完|完了|好了|就这些|没了|传了|发了|齐了", turn.text):
        return "done"
    again = draft.setdefault("photos_asked", turn.message_id) != turn.message_id
    return "later" if again else None  # photos can follow at any time; nobody is held up for them


def documents(draft: Draft) -> list[dict[str, str]]:
    """The report's pictures for the back office, named where it is known what they show."""
    names = {draft["shots"][s.code]: s.name for s in _all_shots(draft)} if draft.get("shots") else {}
    return [{"id": i, **({"name": names[i]} if i in names else {})} for i in draft.get("photo_ids", [])]


def _all_shots(draft: Draft) -> list[Shot]:
    wanted = shots_for(str(draft.get("accident_type")), other_car=True)
    return [shot for shot in wanted if shot.code in draft["shots"]]


async def supplement(turn: Turn, claim_no: str) -> list[dict[str, Any]]:
    """Photos after the report go to the claim that was just reported."""
    sent = [{"id": a["id"], "content_type": a.get("content_type", "")} for a in turn.attachments]
    flaws = [_FLAWS[a["flaw"]] for a in turn.attachments if a.get("flaw") in _FLAWS]
    try:
        await backoffice().add_claim_documents(claim_no, sent, turn.key("add_claim_documents"))
    except RuleForbids as closed:
        turn.say(closed.message, [HUMAN])
        return [SlotSet(LAST_CLAIM, None)]
    except ChebaoError:
        turn.say("照片收到了，系统这会儿有点忙，还没有登记到案件里，请过几分钟再发一次，或请人工同事登记。", [HUMAN])
        return []
    warning = f"其中有照片{flaws[0]}。" if flaws else ""
    turn.say(f"收到 {len(sent)} 张照片，已登记到报案 {claim_no}。{warning}")
    return []


# --- the place on a picture ---------------------------------------------------------------------------------------


def place_prompt(draft: Draft) -> Prompt | None:
    """Offers the place where a picture was taken; None where no picture tells one."""
    if not (where := draft.get("photo_place")):
        return None
    buttons = [option("就在那里", "place", "photo"), option("不在那里", "place", "elsewhere")]
    spot = f"{where['latitude']:.5f}, {where['longitude']:.5f}"
    return Prompt(f"照片里带着拍摄位置（{spot}，只用于这次查勘）。事故就发生在拍照的地方吗？", buttons, "location")


def place_answer(turn: Turn, draft: Draft, otherwise: str) -> Any:
    """The answer to `place_prompt`: coordinates, or a Miss with the open question; None for anything else."""
    where = draft.get("photo_place")
    if where is None or turn.location:
        return None
    said = turn.pressed.get("place")
    if said == "elsewhere" or (not said and _NOT_THIS.search(turn.text) and len(turn.text) <= 8):
        del draft["photo_place"]
        return Miss(otherwise)
    if said == "photo" or (not said and _THERE.match(turn.text) and len(turn.text) <= 8):
        del draft["photo_place"]
        draft["location"] = {"lat": where["latitude"], "lon": where["longitude"]}
        return f"{where['latitude']},{where['longitude']}"
    return None


# --- licences -----------------------------------------------------------------------------------------------------


def licences(turn: Turn) -> list[dict[str, str]]:
    """What the legible papers of the message say, in their order."""
    return [dict(a["facts"]) for a in turn.attachments if a.get("facts")]


def in_words(facts: Mapping[str, str], *, plate_only: bool) -> str:
    """What a licence says as a customer would type it, so that every field hears it as it hears words."""
    said = [f"车牌{facts['plate']}"] if facts.get("plate") else []
    if not plate_only:
        if facts.get("vin"):
            said.append(f"车架号{facts['vin']}")
        if registered := _day(facts.get("registered_on")):
            said.append(f"{registered.year}年{registered.month}月上牌")
        if (use := facts.get("use", "")) and "非营运" in use:
            said.append("家用")
    return "，".join(said)


def tell(turn: Turn, facts: Mapping[str, str]) -> None:
    """Reads a licence back, so that a wrong letter is noticed."""
    drivers = facts["kind"] == "driving_licence"
    shown = dict(facts) | {key: mask_name(facts[key]) for key in ("owner", "name") if facts.get(key)}
    lines = [f"{label}：{shown[key]}" for key, label in (_DRIVERS if drivers else _CARS) if shown.get(key)]
    hint = _late_hint(turn, facts) if drivers else "有不对的地方，直接告诉我改成什么就行。"
    if lines:
        turn.say(f"从{'驾驶证' if drivers else '证件'}上读到：\n" + "\n".join(lines) + f"\n{hint}")


def _late_hint(turn: Turn, facts: Mapping[str, str]) -> str:
    until = _day(facts.get("valid_until"))
    if until and until < turn.now.date():
        return "看着已经过期了；换过新证的话，请再拍一张新的。"
    return "有不对的地方，请再拍一张清楚的。"


def _day(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None
