"""The hub's protocol over real HTTP with a real small model and a real database."""

from __future__ import annotations

import threading

from bot.tests.conftest import Served, execute
from bot.tests.fake_actions import FakeActions


def texts(replies: list[dict]) -> list[str]:
    return [reply["text"] for reply in replies]


def test_dialogue_with_buttons_repeat_restart_and_silence_in_the_log(
    served: Served, actions: FakeActions, database_url: str
) -> None:
    assert texts(served.say("c1", "m1", "你好")) == ["您好"]
    first = served.say("c1", "m2", "我的车被追尾了", metadata={"channel": "web"})
    assert first[0]["text"].startswith("claim_form")
    assert first[0]["buttons"] == [{"title": "好", "payload": '/inform{"plate": "京A12345"}'}]
    assert len(actions.calls) == 1, "one action call for a form turn"
    call = actions.calls[0]["tracker"]
    assert call["latest_message"]["metadata"] == {"channel": "web"}
    assert call["latest_message"]["emotion"]["name"] == "calm"
    assert call["events"] == []

    before = len(actions.calls)
    assert served.say("c1", "m2", "别的话") == first
    assert len(actions.calls) == before, "a repeated message runs nothing"

    pressed = {"sender": "c1", "message_id": "m3", "intent": "inform", "entities": {"plate": "京A12345"}, "text": "好"}
    served.post(pressed)
    assert actions.calls[-1]["tracker"]["latest_message"]["intent"] == {"name": "inform", "confidence": 1.0}
    assert actions.calls[-1]["tracker"]["latest_message"]["entities"][0]["value"] == "京A12345"

    served.kill()
    served.start()
    assert served.say("c1", "m2", "我的车被追尾了") == first, "stored replies outlive a crash"
    phone = served.say("c1", "m4", "13800000001")
    assert phone[0]["text"] == "报案完成", "the form went on where it was before the crash"
    assert actions.calls[-1]["tracker"]["slots"]["draft"]["plate"] == "京A12345"
    served.kill(hard=False)
    for secret in ("追尾", "13800000001", "京A12345"):
        assert secret not in served.output
    assert execute(database_url, "SELECT count(*) FROM rasa.turns WHERE sender = 'c1'") == [(4,)]


def test_what_was_understood_comes_with_the_replies_and_is_stored_with_them(served: Served) -> None:
    said = {"sender": "u1", "message_id": "m1", "text": "我的车被追尾了，急死了"}
    answer = served.post(said).json()
    assert set(answer["understood"]) == {"intent", "confidence", "emotion", "source", "also"}
    assert answer["understood"]["intent"] == "report_claim"
    assert answer["understood"]["emotion"] == "anxious"
    assert 0 < answer["understood"]["confidence"] <= 1
    assert served.post({**said, "text": "别的话"}).json() == answer, "a repeated message gets the stored answer"
    pressed = {"sender": "u1", "message_id": "m2", "intent": "inform", "entities": {"plate": "京A12345"}, "text": "好"}
    understood = {"intent": "inform", "confidence": 1.0, "emotion": "calm", "source": "button", "also": []}
    assert served.post(pressed).json()["understood"] == understood


def test_a_repeat_whose_message_is_no_longer_in_memory_changes_nothing(served: Served, database_url: str) -> None:
    first = served.say("u2", "m1", "我要报案")
    for number in range(60):
        served.say("u2", f"n{number}", "谢谢")
    events = "SELECT count(*) FROM rasa.events WHERE sender = 'u2' AND name <> 'snapshot'"
    before = execute(database_url, events)
    assert served.say("u2", "m1", "我要报案") == first
    assert execute(database_url, events) == before
    assert served.say("u2", "m2", "在朝阳路"), "the conversation goes on"


def test_a_damaged_conversation_says_so_once_and_begins_anew_and_no_other_notices(
    served: Served, database_url: str
) -> None:
    for sender in ("hurt", "well"):
        served.say(sender, "m1", "我要报案")
        served.say(sender, "m2", "在朝阳路")
    execute(database_url, "UPDATE rasa.events SET data = '[1]' WHERE sender = 'hurt' AND seq = 3")
    served.kill()
    served.start()
    lost = served.say("hurt", "m3", "京A12345")
    assert "再说一次" in lost[0]["text"]
    assert [b["title"] for b in lost[0]["buttons"]] == ["报案", "续保", "转人工"]
    assert served.say("hurt", "m3", "京A12345") == lost, "stored like any answer"
    assert served.say("hurt", "m4", "我要报案")[0]["text"] == "claim_form 第0项：请回答", "the draft is lost"
    assert served.say("well", "m3", "京A12345")[0]["text"] == "claim_form 第2项：请回答", "the draft is kept"
    served.kill(hard=False)
    named = [line for line in served.output.splitlines() if "damaged" in line]
    assert len(named) == 1
    assert "conversation hurt" in named[0]


def test_failing_action_is_5xx_and_stores_nothing(served: Served, actions: FakeActions, database_url: str) -> None:
    served.say("c2", "m1", "我要报案")
    rows = execute(database_url, "SELECT count(*) FROM rasa.events")
    actions.failing = True
    answer = served.post({"sender": "c2", "message_id": "m2", "text": "京A12345"})
    assert answer.status_code == 503
    assert "error" in answer.json()
    assert execute(database_url, "SELECT count(*) FROM rasa.events") == rows
    actions.failing = False
    assert served.say("c2", "m2", "京A12345")[0]["text"].startswith("claim_form"), (
        "the same turn, sent again, is answered"
    )


def test_database_gone_in_the_middle_is_5xx_then_recovers(served: Served, database_url: str) -> None:
    served.say("c3", "m1", "我要报案")
    execute(database_url, "ALTER TABLE rasa.events RENAME TO events_away")
    assert served.post({"sender": "c3", "message_id": "m2", "text": "京A12345"}).status_code == 503
    execute(database_url, "ALTER TABLE rasa.events_away RENAME TO events")
    everyone_else = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    execute(database_url, everyone_else + " AND datname = current_database()")
    assert served.say("c3", "m2", "京A12345"), "a broken connection is opened anew"


def test_form_switch_and_end(served: Served, actions: FakeActions) -> None:
    served.say("c4", "m1", "我要报案")
    switched = texts(served.say("c4", "m2", "我要续保"))
    assert switched == ["先办续保，到期日是？", "renewal_form 第0项：请回答"], (
        "the other form asks its question in the same turn"
    )
    assert served.say("c4", "m3", "京A12345")[0]["text"].startswith("renewal_form"), "the other form has the turn now"
    assert texts(served.say("c4", "m4", "算了")) == ["已停下"]
    assert [c["next_action"] for c in actions.calls] == ["claim_form"] * 2 + ["renewal_form"] * 3
    ran = [[e["name"] for e in c["tracker"]["events"]] for c in actions.calls]
    assert ran[:3] == [[], [], ["claim_form"]], "the form that takes over knows who has worked on the message"
    assert texts(served.say("c4", "m5", "你好")) == ["您好"], "no form is left"


def test_bad_bodies_slash_commands_long_and_empty_texts(served: Served, actions: FakeActions) -> None:
    for body in (None, [], {}, {"sender": "c5"}, {"sender": "c5", "message_id": "x", "intent": "no_such", "text": ""}):
        assert served.post(body).status_code == 400
    served.say("c5", "m1", "我要报案")
    served.say("c5", "m2", "/restart")
    assert actions.calls[-1]["tracker"]["latest_message"]["text"] == "／restart"
    assert actions.calls[-1]["tracker"]["slots"]["draft"] is not None, "nothing was restarted"
    for number, text in enumerate(("", "   ", "很" * 20_000, "\x00\ud83d", "😀" * 50, r"\u0000", "\\")):
        served.say("c5", f"n{number}", text.encode("utf-8", "ignore").decode())


def test_turns_of_one_customer_run_in_order_and_others_do_not_wait(served: Served, actions: FakeActions) -> None:
    served.say("c6", "m0", "我要报案")
    actions.slow = 0.2
    threads = []
    for number in range(3):
        threads.append(threading.Thread(target=served.say, args=("c6", f"m{number + 1}", "在朝阳路")))
        threads[-1].start()
    assert texts(served.say("c7", "m1", "你好")) == ["您好"]
    for thread in threads:
        thread.join(20)
    ours = [c["tracker"]["latest_message"]["message_id"] for c in actions.calls if c["sender_id"] == "c6"]
    assert sorted(ours) == ["m0", "m1", "m2", "m3"]


def test_not_understood_is_said_once(served: Served) -> None:
    assert texts(served.say("c8", "m1", "算了")) == ["没有听懂"]
    assert texts(served.say("c8", "m2", "谢谢")) == ["不客气"]


def test_files_without_words_are_not_understood_and_reach_the_form(served: Served, actions: FakeActions) -> None:
    photo = {"attachments": [{"id": "p1", "content_type": "image/jpeg", "url": "/p1"}]}
    assert texts(served.say("c9", "m1", "", metadata=photo)) == ["没有听懂"]
    served.say("c9", "m2", "我要报案")
    assert served.say("c9", "m3", "", metadata=photo)[0]["text"].startswith("claim_form")
    message = actions.calls[-1]["tracker"]["latest_message"]
    assert (message["text"], message["intent"]["name"], message["entities"]) == ("", "nlu_fallback", [])
    assert message["metadata"] == photo
