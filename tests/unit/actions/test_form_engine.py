"""The form engine, on a small form of its own."""

from __future__ import annotations

from typing import Any

import pytest

from actions.fields import choice, confirm_field, plate_field, text
from actions.forms import Form
from actions.nodes import AskAgain, Draft, Field, Finish, GoTo, Miss, Prompt, Step
from actions.turn import Turn
from chebao.errors import InputRefused, Locked, Unavailable
from tests.unit.actions.conversation import Conversation


class Office:
    """What the steps of the form find: it counts what it was asked, and fails when told to."""

    def __init__(self) -> None:
        self.priced: list[str] = []
        self.filed: list[str] = []
        self.error: Exception | None = None

    def work(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error


OFFICE = Office()


def _parse_seats(turn: Turn, draft: Draft) -> Any:
    digits = "".join(c for c in turn.text if c.isdigit())
    if not digits:
        return None
    return int(digits) if int(digits) < 60 else Miss("座位数太多了，请再核对座位数。")


async def _price(turn: Turn, draft: Draft) -> str:
    OFFICE.work()
    OFFICE.priced.append(draft["plate"])
    return f"{draft['plate']}的价"


async def _file(turn: Turn, draft: Draft) -> None:
    OFFICE.work()
    OFFICE.filed.append(draft["confirm"]["at"])
    raise Finish("办好了。")


class SmallForm(Form):
    """Plate, seats, a note, a price, a confirmation."""

    task = "invoice"
    nodes = (
        plate_field("车牌号是多少？"),
        Field(
            "seats",
            "座位数",
            lambda turn, draft: Prompt("几座？"),
            _parse_seats,
            "行驶证上写着核定载人数。",
            words=("座位", "几座"),
            show=str,
        ),
        choice(
            "loan",
            "贷款",
            "有贷款吗？",
            [("没有贷款", False, "没|无"), ("有贷款", True, "有")],
            explain="贷款说有或没有。",
            needed=lambda turn, draft: draft.get("seats", 0) < 9,
        ),
        text("note", "备注", "有什么要备注？", explain="说一句备注。", words=("备注",)),
        Step("price", _price, depends=("plate", "seats")),
        confirm_field(
            lambda turn, draft: f"按{draft['price']}办，请确认提交。", "确认提交", depends=("plate", "seats", "note")
        ),
        Step("filed", _file, depends=("confirm",)),
    )


@pytest.fixture
def office() -> Office:
    OFFICE.__init__()  # type: ignore[misc]
    return OFFICE


@pytest.fixture
def talk(office: Office) -> Conversation:
    return Conversation(SmallForm())


def _to_confirm(talk: Conversation) -> None:
    for words in ("开发票", "京A12345", "5座", "没有", "下午送到门卫"):
        talk.say(words)
    assert talk.asked == "confirm"


def test_asks_in_order_and_takes_what_is_told_unasked(talk: Conversation) -> None:
    assert talk.say("给京A12345开发票", "invoice") == "几座？"
    assert talk.draft == {"plate": "京A12345"}
    assert talk.loop == "invoice_form"


def test_a_field_that_is_not_needed_is_not_asked_for(talk: Conversation) -> None:
    talk.say("给京A12345开发票")
    assert talk.say("12座") == "有什么要备注？"


def test_confirming_writes_once_and_ends(talk: Conversation, office: Office) -> None:
    _to_confirm(talk)
    assert talk.press("确认提交") == "办好了。"
    assert office.filed == ["m6"]
    assert talk.loop is None
    assert talk.slots["invoice_draft"] is None


@pytest.mark.parametrize(
    "words",
    [
        "车牌错了，是京B66666",
        "改一下车牌，换成京B66666",
        "不是京A12345，是京B66666",
        "车牌应该是京B66666",
        "刚才车牌说错了，京B66666",
    ],
)
def test_a_correction_changes_the_field_and_drops_what_depends_on_it(
    talk: Conversation, office: Office, words: str
) -> None:
    _to_confirm(talk)
    said = talk.say(words)
    assert "车牌号已改过来：京B66666" in said
    assert said.endswith("按京B66666的价办，请确认提交。")
    assert office.priced == ["京A12345", "京B66666"]
    assert (talk.draft["seats"], talk.draft["note"]) == (5, "下午送到门卫")


def test_a_correction_without_a_value_asks_for_the_field_again(talk: Conversation) -> None:
    _to_confirm(talk)
    assert talk.say("座位数填错了") == "几座？"
    assert "seats" not in talk.draft
    assert "price" not in talk.draft


def test_a_corrected_value_that_cannot_be_taken_is_explained(talk: Conversation) -> None:
    _to_confirm(talk)
    assert talk.say("座位改成88") == "座位数太多了，请再核对座位数。\n几座？"


@pytest.mark.parametrize("answer", ["座位", "改座位数"])
def test_change_button_asks_which_and_takes_the_name_of_a_field(talk: Conversation, answer: str) -> None:
    _to_confirm(talk)
    assert talk.press("改一下") == "好的，您想改哪一项？"
    assert talk.buttons == ["车牌号", "座位数", "贷款", "备注"]
    assert talk.say(answer) == "几座？"


def test_a_no_at_the_read_back_asks_what_to_change(talk: Conversation) -> None:
    _to_confirm(talk)
    assert talk.say("不对", "deny") == "好的，您想改哪一项？"
    assert talk.press("备注") == "有什么要备注？"


def test_second_miss_explains_and_third_offers_a_person(talk: Conversation) -> None:
    talk.say("开发票")
    assert talk.say("蓝天白云").endswith("车牌号是多少？")
    assert talk.say("那个啥").startswith("车牌号写在行驶证首页")
    assert "人工同事" in talk.say("哎呀")
    assert talk.buttons == ["转人工"]


def test_an_answer_clears_the_count_of_misses(talk: Conversation) -> None:
    talk.say("开发票")
    talk.say("蓝天白云")
    talk.say("京A12345")
    assert talk.slots["misses"] is None


def test_an_invalid_value_says_why(talk: Conversation) -> None:
    talk.say("给京A12345开发票")
    assert talk.say("100座") == "座位数太多了，请再核对座位数。"
    assert talk.asked == "seats"


@pytest.mark.parametrize("yes", ["是的", "对", "嗯"])
def test_a_plate_with_one_wrong_sign_is_asked_about_and_not_taken(talk: Conversation, yes: str) -> None:
    talk.say("开发票")
    assert "您是说 京A12045 吗" in talk.say("京A12O45")
    assert (talk.asked, talk.draft.get("plate"), talk.buttons) == ("plate", None, ["京A12045"])
    assert talk.say(yes, "affirm") == "几座？"
    assert talk.draft == {"plate": "京A12045"}


def test_the_plate_that_was_meant_can_be_pressed_or_sent_again(talk: Conversation) -> None:
    talk.say("开发票")
    talk.say("经A12345")
    assert talk.press("京A12345") == "几座？"
    talk.say("改一下车牌")
    talk.say("京A1234I")
    assert talk.say("京B66666") == "几座？"
    assert talk.draft == {"plate": "京B66666"}


def test_a_free_question_does_not_swallow_another_answer_that_is_named(talk: Conversation) -> None:
    for said in ("开发票", "京A12345", "5座", "没有"):
        talk.say(said)
    assert talk.say("车牌是京B66666") == "好的，车牌号已改过来：京B66666。\n有什么要备注？"


@pytest.mark.parametrize("words", ["嗯", "好的", "😂😂", "。。。"])
def test_fillers_are_no_answer_to_a_free_question(talk: Conversation, words: str) -> None:
    for said in ("开发票", "京A12345", "5座", "没有"):
        talk.say(said)
    talk.say(words)
    assert "note" not in talk.draft


def test_stopping_writes_nothing(talk: Conversation, office: Office) -> None:
    _to_confirm(talk)
    assert talk.say("算了，不办了", "cancel") == SmallForm.stop_text
    assert (talk.loop, office.filed) == (None, [])


def test_another_task_suspends_this_one(talk: Conversation) -> None:
    talk.say("给京A12345开发票")
    talk.say("先帮我查一下理赔进度", "claim_progress")
    assert talk.loop == "claim_progress_form"
    assert talk.slots["suspended_tasks"] == ["invoice"]
    assert talk.draft == {"plate": "京A12345"}


def test_a_story_that_sounds_like_another_task_is_an_answer(talk: Conversation) -> None:
    for words in ("开发票", "京A12345", "5座", "没有"):
        talk.say(words)
    talk.say("上次理赔进度太慢了所以这次加急", "claim_progress")
    assert talk.draft["note"].startswith("上次理赔")


def test_a_suspended_task_goes_on_after_this_one(talk: Conversation) -> None:
    talk.slots["suspended_tasks"] = ["renewal"]
    _to_confirm(talk)
    assert talk.press("确认提交") == "办好了。\n我们接着办刚才的续保。"
    assert talk.loop == "renewal_form"


def test_after_a_stop_the_suspended_task_is_only_offered(talk: Conversation) -> None:
    talk.slots["suspended_tasks"] = ["renewal"]
    talk.say("开发票")
    assert "要接着办吗" in talk.say("算了", "cancel")
    assert talk.buttons == ["接着办续保", "先不办了"]
    assert talk.loop is None


def test_unavailable_keeps_the_answers_and_the_retry_files_under_the_same_key(
    talk: Conversation, office: Office
) -> None:
    _to_confirm(talk)
    office.error = Unavailable("down")
    assert "留着" in talk.press("确认提交")
    assert office.filed == []
    assert talk.press("再试一次") == "办好了。"
    assert office.filed == ["m6"]


def test_a_value_that_the_office_refuses_is_asked_for_again(talk: Conversation, office: Office) -> None:
    for words in ("开发票", "京A12345", "5座", "没有"):
        talk.say(words)
    office.error = InputRefused("这个车牌没有登记。", detail={"field": "plate"})
    assert talk.say("送到门卫室") == "这个车牌没有登记。\n车牌号是多少？"


def test_a_locked_customer_is_handed_over(talk: Conversation, office: Office) -> None:
    _to_confirm(talk)
    office.error = Locked("请十分钟后再试。")
    assert talk.press("确认提交").startswith("请十分钟后再试。")
    assert talk.effects[0]["handoff"]["reason"] == "policy_restriction"


@pytest.mark.parametrize(("error", "loop"), [(GoTo("renewal"), "renewal_form"), (AskAgain("note"), "invoice_form")])
def test_a_step_may_lead_elsewhere(talk: Conversation, office: Office, error: Exception, loop: str) -> None:
    _to_confirm(talk)
    office.error = error
    talk.press("确认提交")
    assert talk.loop == loop


@pytest.mark.parametrize("words", ["转人工", "人工", "我要找真人", "叫个客服来"])
def test_a_person_in_one_message(talk: Conversation, words: str) -> None:
    talk.say("给京A12345开发票")
    talk.say(words)
    assert talk.effects[0]["handoff"]["priority"] == 5
    handed = talk.effects[0]["handoff"]
    assert ["车牌号", "京A12345"] in handed["summary"]["known"] and handed["summary"]["open"]
    assert (handed["task"], handed["slots"]["plate"]) == ("invoice", "京A12345")
    assert talk.replies[-1].get("custom", {}).get("effects")  # nothing is said after it


def test_a_photo_without_words_is_no_miss(talk: Conversation) -> None:
    talk.say("开发票")
    assert talk.say("", attachments=[{"id": "p1"}]) == "车牌号是多少？"
    assert not talk.slots.get("misses")


def test_a_further_task_waits_behind_the_first_one() -> None:
    talk = Conversation(SmallForm())
    said = talk.say("开发票，顺便续保", "invoice", further=(("renewal", "续保"),))
    assert "办完接着办续保" in said
    assert talk.slots["suspended_tasks"] == ["renewal"]
    assert talk.asked == "plate"


def test_a_grave_feeling_calls_a_colleague_once_and_the_form_goes_on() -> None:
    talk = Conversation(SmallForm())
    said = talk.say("再不开票咱们法院见", "invoice", emotion="threat")
    assert "车牌号是多少" in said
    assert talk.slots["alerted"] == "escalation"
    assert "主管同事" not in talk.say("我律师都找好了", emotion="threat")


def test_after_an_agent_the_form_goes_on_with_what_he_changed(talk: Conversation, office: Office) -> None:
    talk.say("给京A12345开发票")
    talk.say("唔")
    talk.say("转人工")
    told = talk.return_from_agent(task="invoice", edits={"plate": "沪AD12345", "seats": 5})
    assert told == "客服已帮您填好：车牌号：沪AD12345；座位数：5。\n有贷款吗？"
    assert (talk.draft["plate"], talk.asked, talk.loop) == ("沪AD12345", "loan", "invoice_form")
    assert talk.slots["agent_left_at"] and not talk.slots.get("misses")


def test_an_agents_change_makes_void_what_was_computed(talk: Conversation, office: Office) -> None:
    _to_confirm(talk)
    talk.say("转人工")
    told = talk.return_from_agent(task="invoice", edits={"plate": "沪AD12345"})
    assert told.endswith("按沪AD12345的价办，请确认提交。") and office.priced == ["京A12345", "沪AD12345"]


def test_changes_of_another_form_are_none_of_this_one(talk: Conversation) -> None:
    talk.say("给京A12345开发票")
    assert talk.return_from_agent(task="renewal", edits={"plate": "沪AD12345"}) == "几座？"
    assert talk.draft["plate"] == "京A12345"


def test_what_an_agent_settled_is_not_gone_on_with(talk: Conversation) -> None:
    talk.slots["suspended_tasks"] = ["renewal"]
    talk.say("给京A12345开发票")
    talk.say("转人工")
    assert talk.return_from_agent(ended=True) == ""
    assert talk.effects == [{"nothing": {}}] and talk.loop is None
    assert not talk.draft and not talk.slots.get("suspended_tasks")
