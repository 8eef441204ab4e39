"""The components: what they find, and that they bear any text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.channel import BadTurn, check_body, guarded
from bot.nlu import classifier, encoder
from bot.nlu.classifier import CascadeIntentClassifier
from bot.nlu.emotion import emotion_of
from bot.nlu.extractor import ZONE, InsuranceEntityExtractor, received_at
from bot.nlu.text import for_features, plain
from bot.nlu.tokenizer import SpacyTokenizer, lexicon_words, pipeline

ODD = ["", " ", "/", "。。。", "😀", "\u200b", "很" * 20_000, "ＡＢＣ１２３", "a" * 5000, "\ud83d"]
SENTENCES = {
    "greet": ["你好", "您好", "早上好", "在吗", "哈喽", "你好呀", "下午好", "嗨"],
    "renewal": [
        "我要续保",
        "车险快到期了",
        "续保多少钱",
        "帮我续保险",
        "保险到期续费",
        "车险续期",
        "续保怎么办",
        "想续保",
    ],
    "report_claim": [
        "被追尾了",
        "我要报案",
        "出车祸了",
        "车被刮了",
        "撞护栏了",
        "追尾前车了",
        "刚撞了",
        "车撞了要报案",
    ],
}


def messages() -> TrainingData:
    return TrainingData([Message({"text": t, "intent": i}) for i, texts in SENTENCES.items() for t in texts])


def trained(folder: Path, **config: object) -> CascadeIntentClassifier:
    """Trained, stored and read again."""
    storage, resource = LocalModelStorage(folder), Resource("intents")
    full = {**CascadeIntentClassifier.get_default_config(), **config}
    context = ExecutionContext(GraphSchema({}))
    CascadeIntentClassifier.create(full, storage, resource, context).train(messages())
    return CascadeIntentClassifier.load(full, storage, resource, context)


@pytest.fixture(scope="module", params=[True, False], ids=["encoder", "ngrams"])
def intents(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CascadeIntentClassifier:
    return trained(tmp_path_factory.mktemp("model"), encoder=request.param)


def test_intents_with_ranking_and_confidence(intents: CascadeIntentClassifier) -> None:
    for text, wanted in (("你好啊", "greet"), ("我想续保", "renewal"), ("我的车被追尾了", "report_claim")):
        intent, ranking = intents.classify(text)
        assert intent["name"] == wanted
        assert ranking[0]["name"] == wanted
        assert len(ranking) == 3
        assert sum(r["confidence"] for r in ranking) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_any_text_is_borne(intents: CascadeIntentClassifier, text: str) -> None:
    intents.classify(text)
    emotion_of(text)
    message = Message({"text": text})
    InsuranceEntityExtractor().process([message])
    if text != "\ud83d":
        SpacyTokenizer(SpacyTokenizer.get_default_config()).process([message])


def test_nothing_known_is_fallback(intents: CascadeIntentClassifier) -> None:
    assert intents.classify("")[0]["name"] == "nlu_fallback"


def test_stored_model_holds_no_objects(tmp_path: Path) -> None:
    trained(tmp_path, encoder=False)
    files = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {"arrays.npz", "facts.json"}
    arrays = np.load(next(tmp_path.rglob("arrays.npz")), allow_pickle=False)
    assert all(arrays[name].dtype == np.float32 for name in arrays)


def test_absent_encoder_leaves_ngrams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    component = trained(tmp_path)
    monkeypatch.setattr(encoder, "load", lambda: None)
    monkeypatch.setattr(component, "threshold", 2.0)
    before = classifier.calls["cheap"]
    assert component.classify("我要续保")[0]["name"] == "renewal"
    assert classifier.calls["cheap"] == before + 1


def test_cascade_asks_the_encoder_only_when_unsure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    component = trained(tmp_path)
    for threshold, way in ((0.0, "cheap"), (1.1, "full")):
        monkeypatch.setattr(component, "threshold", threshold)
        before = classifier.calls[way]
        component.classify("我要续保")
        assert classifier.calls[way] == before + 1


def test_features_mask_what_differs_between_customers() -> None:
    assert for_features("京A12345 要续保") == for_features("沪AD12345 要续保")
    assert for_features("电话１３８００００００１２") == for_features("电话13911112222")
    assert plain("車險報案") == "车险报案"
    assert len(plain("很" * 9000)) < 300


def test_entities_have_the_customers_span_and_the_message_time() -> None:
    message = Message({"text": "我是 京a·12345，昨晚八点", "metadata": {"received_at": "2026-11-22T10:00:00+08:00"}})
    InsuranceEntityExtractor().process([message])
    found = {e["entity"]: e for e in message.get("entities")}
    assert found["plate"]["value"] == "京A12345"
    assert "京a·12345" in message.get("text")[found["plate"]["start"] : found["plate"]["end"]]
    assert found["datetime"]["value"].startswith("2026-11-21T20")
    assert received_at(message) == dt.datetime(2026, 11, 22, 10, tzinfo=ZONE)
    assert received_at(Message({"metadata": {"received_at": "nonsense"}})).tzinfo is not None


def test_insurance_words_stay_whole() -> None:
    words = [t.text for t in pipeline()("我要买第三者责任险和车损险，前保险杠撞坏了")]
    assert {"第三者责任险", "车损险", "前保险杠"} <= set(words)
    assert len(lexicon_words()) > 100


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("你好，我想问下续保", "calm"),
        ("急死了，撞车了怎么办啊", "anxious"),
        ("不着急，慢慢来", "calm"),
        ("你们就是骗子，垃圾公司！！", "angry"),
        ("再不赔我就砍死你", "threat"),
        ("带人去砸了你们公司", "threat"),
        ("我真的不想活了", "distress"),
        ("没有生气，就是问问", "calm"),
        ("车险怎么跳楼价这么便宜", "calm"),
    ],
)
def test_emotions(text: str, emotion: str) -> None:
    assert emotion_of(text)[0] == emotion


def test_guard_and_bodies() -> None:
    assert guarded(" /restart ") == "／restart"
    assert len(guarded("很" * 99_999)) == 20_000
    assert check_body({"sender": "a", "message_id": "1", "text": "/x"}, []).text == "／x"
    for wrong in (
        {"sender": 1},
        {"sender": "a", "message_id": "1", "text": 5},
        {"sender": "a" * 999, "message_id": "1"},
    ):
        with pytest.raises(BadTurn):
            check_body(wrong, [])
