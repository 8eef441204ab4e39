"""What went wrong in a conversation stands on the review list, anonymous, once; approved lines become training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chebao.quality import learned, review
from tests.contract.hub.running import Running
from tests.fakes.rasa import FakeRasa

LOST = "我的车京B88888被水泡了找谁啊，电话13911112222"


def knowledge(kind: str, topic: str | None = None) -> dict[str, Any]:
    return {"text": "说法", "custom": {"knowledge": {"kind": kind, "topic": topic, "version": 1}}}


def answers(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Unanswered, choices, a confident answer, or the choice that was pressed."""
    if "intent" in body:
        return [knowledge("confident", body["entities"].get("topic"))]
    if "水泡" in body["text"]:
        return [knowledge("none")]
    if "划痕" in body["text"]:
        choice = '/faq{"topic": "cover_scratch"}'
        return [knowledge("choices") | {"buttons": [{"title": "划痕险", "payload": choice}]}]
    return [knowledge("confident", "compulsory_coverage")]


async def listed(app: Running, state: str = "open") -> dict[str, dict[str, Any]]:
    answer = await app.http.get("/api/quality/reviews", params={"state": state})
    assert answer.status_code == 200, answer.text
    return {row["text"]: row for row in answer.json()}


async def test_unanswered_message_is_listed_without_the_customer(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = answers
    await app.say(sender, LOST)
    rows = await listed(app)
    assert not any("88888" in text or "13911112222" in text for text in rows)
    row = rows["我的车京A12345被水泡了找谁啊，电话13800000000"]
    assert row["reasons"] == ["unanswered"] and row["state"] == "open"
    assert await listed(app) == rows


async def test_vote_correction_and_chosen_topic_are_reasons(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = answers
    await app.say(sender, "交强险赔多少")
    seq = (await app.stream(sender))[-1]["seq"]
    path = f"/api/conversations/{sender}/messages/{seq}/vote"
    assert (await app.http.put(path, json={"helpful": False})).status_code == 204
    assert (await app.stream(sender))[-1]["helpful"] is False
    await app.say(sender, "座位险怎么赔")
    await app.say(sender, "我问的不是这个")
    (offer,) = [r for r in await app.say(sender, "划痕谁赔") if r.get("buttons")]
    await app.say(sender, offer["buttons"][0]["payload"])
    rows = await listed(app)
    assert rows["交强险赔多少"]["reasons"] == ["downvoted"]
    assert rows["交强险赔多少"]["topic"] == "compulsory_coverage"
    assert rows["座位险怎么赔"]["reasons"] == ["corrected"]
    assert rows["划痕谁赔"]["reasons"] == ["clarified"]
    assert rows["划痕谁赔"]["suggested_topic"] == "cover_scratch"


async def test_only_answers_can_be_voted_on(app: Running, sender: str) -> None:
    await app.say(sender, "你好")
    own = next(row for row in await app.stream(sender) if row["from"] == "customer")
    for seq in (own["seq"], 999):
        answer = await app.http.put(f"/api/conversations/{sender}/messages/{seq}/vote", json={"helpful": True})
        assert answer.status_code == 404


async def test_a_verdict_must_name_what_exists(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = answers
    await app.say(sender, "水泡了的车在京B66666")
    (row,) = [r for r in (await listed(app)).values() if r["text"].startswith("水泡了的车")]
    path = f"/api/quality/reviews/{row['id']}"
    verdict = {"decision": "approve", "reviewer": "李审"}
    for wrong in (
        {"intent": "no_such"},
        {"intent": "faq", "topic": "no_such"},
        {"intent": "faq", "entities": [{"entity": "plate", "value": "沪C00000"}]},
    ):
        answer = await app.http.post(path, json=verdict | wrong)
        assert answer.status_code == 422, answer.text
    good = verdict | {"intent": "report_claim", "entities": [{"entity": "plate", "value": "京A12345"}]}
    assert (await app.http.post(path, json=good)).json()["state"] == "approved"
    assert (await app.http.post(path, json={"decision": "reject", "reviewer": "李审"})).status_code == 409
    assert (await app.http.post("/api/quality/reviews/999999", json=good)).status_code == 404
    assert (await app.http.get("/api/quality/reviews", headers={"Authorization": "Bearer x"})).status_code == 401


async def test_approved_lines_become_training_data_once(
    app: Running, rasa: FakeRasa, sender: str, tmp_path: Path
) -> None:
    rasa.script = answers
    (tmp_path / "nlu").mkdir()
    (tmp_path / "articles").mkdir()
    (tmp_path / "nlu" / "known.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - 水泡茶好喝！\n', encoding="utf-8"
    )
    for text in ("水泡车京B77777怎么定损", "水泡茶好喝"):
        await app.say(sender, text)
    rows = await listed(app)
    for text, verdict in {
        "水泡车京A12345怎么定损": {
            "intent": "faq",
            "topic": "cover_natural_disaster",
            "entities": [{"entity": "plate", "value": "京A12345"}],
        },
        "水泡茶好喝": {"intent": "chitchat"},
    }.items():
        body = {"decision": "approve", "reviewer": "李审"} | verdict
        answer = await app.http.post(f"/api/quality/reviews/{rows[text]['id']}", json=body)
        assert answer.status_code == 200, answer.text
    mine = [r for r in await review.approved(app.hub.engine) if r.text in ("水泡车京A12345怎么定损", "水泡茶好喝")]
    done = learned.export(tmp_path, mine)
    assert (done.sentences, done.phrasings, done.conflicts) == (1, 1, ["水泡茶好喝"])
    nlu = yaml.safe_load((tmp_path / "nlu" / "learned.yml").read_text(encoding="utf-8"))
    assert nlu["nlu"] == [{"intent": "faq", "examples": "- 水泡车[京A12345](plate)怎么定损\n"}]
    phrasings = yaml.safe_load((tmp_path / "articles" / "learned.yml").read_text(encoding="utf-8"))
    assert phrasings == {"cover_natural_disaster": ["水泡车京A12345怎么定损"]}
    again = learned.export(tmp_path, mine)
    assert (again.sentences, again.phrasings) == (0, 0)
