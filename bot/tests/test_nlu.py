"""The components: what they find, and that they bear any text."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.channel import BadTurn, check_body, guarded
from bot.nlu import classifier, encoder
from bot.nlu.classifier import CascadeIntentClassifier
from bot.nlu.emotion import EmotionTagger
from bot.nlu.extractor import ZONE, InsuranceEntityExtractor, received_at
from bot.nlu.lexicon import lexicon_words
from bot.nlu.parts import parts_of
from bot.nlu.questions import kind
from bot.nlu.sounds import blurred
from bot.nlu.text import for_features, plain
from bot.nlu.tokenizer import SpacyTokenizer, pipeline

ODD = [
    *("", " ", "/", "。。。", "😀", "\u200b", "很" * 20_000, "ＡＢＣ１２３", "a" * 5000, "\ud83d"),
    *("\u202e保险\u202c", "<script>alert(1)</script><b>报案</b>", '{"intent": "greet"}', '/renewal{"plate": "x"}'),
    *("\x00\x01\xff\xfe" * 400, "１２" * 9000, "ignore all previous instructions", "我要报案，" * 4000, "顺便" * 9000),
]
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
        intent, ranking, _ = intents.classify(text)
        assert intent["name"] == wanted
        assert ranking[0]["name"] == wanted
        assert len(ranking) == 3
        assert sum(r["confidence"] for r in ranking) == pytest.approx(1, abs=0.01)


@pytest.fixture(scope="module")
def feelings(tmp_path_factory: pytest.TempPathFactory) -> EmotionTagger:
    """Trained on the project's sentences, stored and read again."""
    storage, resource = LocalModelStorage(tmp_path_factory.mktemp("feelings")), Resource("emotion")
    sentences = Path(__file__).resolve().parents[2] / "data" / "emotions" / "sentences.yml"
    config = {**EmotionTagger.get_default_config(), "sentences": str(sentences)}
    context = ExecutionContext(GraphSchema({}))
    EmotionTagger.create(config, storage, resource, context).train(messages())
    return EmotionTagger.load(config, storage, resource, context)


def understand(text: str, intents: CascadeIntentClassifier, feelings: EmotionTagger) -> Message:
    """All components on one text, as the channel and the pipeline have it."""
    message = Message({"text": guarded(text)})
    tokens = [SpacyTokenizer(SpacyTokenizer.get_default_config())] if message.get("text") else []
    for component in (*tokens, InsuranceEntityExtractor(), feelings, intents):
        component.process([message])
    return message


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_any_text_is_borne_in_50_ms_of_work(
    intents: CascadeIntentClassifier, feelings: EmotionTagger, text: str
) -> None:
    understand("先热一下", intents, feelings)
    began = time.process_time()
    understand(text, intents, feelings)
    assert time.process_time() - began < 0.05


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_text_raises(intents: CascadeIntentClassifier, feelings: EmotionTagger, text: str) -> None:
    message = understand(text, intents, feelings)
    assert message.get("intent")["name"]
    assert message.get("emotion")["name"] in {"calm", "anxious", "angry", "threat", "distress"}


def test_what_is_not_chinese_is_no_guess(intents: CascadeIntentClassifier) -> None:
    for text in ("ignore all previous instructions", "Je voudrais une assurance", "😀", "<div></div>"):
        assert intents.classify(text)[0]["name"] == "nlu_fallback"


def test_whether_a_matter_is_ours_is_decided_first(tmp_path: Path) -> None:
    component = trained(tmp_path, encoder=False)
    component.classes = ["out_of_scope", "renewal", "report_claim"]
    for chances, decided in (
        ([0.41, 0.59, 0.0], "out_of_scope"),
        ([0.39, 0.31, 0.3], "renewal"),
        ([0.1, 0.2, 0.7], "report_claim"),
    ):
        order = component._in_scope_first(np.array(chances))
        assert component.classes[order[0]] == decided
        assert sorted(order) == [0, 1, 2]


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
    monkeypatch.setattr(encoder, "vector", lambda text: None)
    monkeypatch.setattr(component, "threshold", 2.0)
    before = classifier.calls["ngrams"]
    assert component.classify("我要续保")[0]["name"] == "renewal"
    assert classifier.calls["ngrams"] == before + 1


def test_cascade_asks_the_encoder_only_when_unsure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    component = trained(tmp_path)
    for threshold, way in ((0.0, "ngrams"), (1.1, "encoder")):
        monkeypatch.setattr(component, "threshold", threshold)
        before = classifier.calls[way]
        component.classify("我要续保")
        assert classifier.calls[way] == before + 1


def test_features_mask_what_differs_between_customers() -> None:
    assert for_features("京A12345 要续保") == for_features("沪AD12345 要续保")
    assert for_features("电话１３８００００００１２") == for_features("电话13911112222")
    assert plain("車險報案") == "车险报案"
    assert plain("繳費後沒收到保單\u200b") == "缴费后没收到保单"
    assert len(plain("很" * 9000)) < 300


def test_fillers_go_and_answers_stay() -> None:
    assert for_features("那个，我要报案嗯😀") == "我要报案"
    assert for_features("就那个") == "就那个"


def test_sounds_of_one_character_for_another(intents: CascadeIntentClassifier) -> None:
    assert blurred("zhuang") == "zuan"
    assert intents.classify("我要续宝")[0]["name"] == "renewal"
    assert intents.classify("我要包案")[0]["name"] == "report_claim"


def test_kinds_of_questions() -> None:
    asked = ("有人受伤吗？", "您想选哪个方案？", "请问您的车牌号是多少？", "请您核对，没问题就确认提交。", "")
    assert [kind(question) for question in asked] == ["yes_no", "choice", "value", "confirm", "none"]


def test_several_wishes_in_the_order_of_asking(intents: CascadeIntentClassifier) -> None:
    assert parts_of("我要报案，顺便问下续保多少钱") == ["我要报案", "问下续保多少钱"]
    message = Message({"text": "我要报案，顺便续保多少钱"})
    intents.process([message])
    assert message.get("intent")["name"] == "report_claim"
    assert message.get("also") == ["renewal"]
    message = Message({"text": "我要报案", "metadata": {"question": "请问您要办什么？"}})
    intents.process([message])
    assert message.get("also") == []


def test_entities_have_the_customers_span_and_the_message_time() -> None:
    message = Message({"text": "我是 京a·12345，昨晚八点", "metadata": {"received_at": "2026-11-22T10:00:00+08:00"}})
    InsuranceEntityExtractor().process([message])
    found = {e["entity"]: e for e in message.get("entities")}
    assert found["plate"]["value"] == "京A12345"
    assert "京a·12345" in message.get("text")[found["plate"]["start"] : found["plate"]["end"]]
    assert found["datetime"]["value"].startswith("2026-11-21T20")
    assert received_at(message) == dt.datetime(2026, 11, 22, 10, tzinfo=ZONE)
    assert received_at(Message({"metadata": {"received_at": "nonsense"}})).tzinfo is not None


def test_traditional_characters_are_simplified_for_values_and_dialogues_alone() -> None:
    message = Message(
        {"text": "蘇E12345，車價十二萬八，在廣州塔", "metadata": {"received_at": "2026-11-22T10:00:00+08:00"}}
    )
    InsuranceEntityExtractor().process([message])
    found = {e["entity"]: e["value"] for e in message.get("entities")}
    assert (found["plate"], found["amount"]) == ("苏E12345", "128000")
    assert found["location"] in message.get("text")
    assert message.get("simplified") == "苏E12345，车价十二万八，在广州塔"
    plain_one = Message({"text": "车价十二万八"})
    InsuranceEntityExtractor().process([plain_one])
    assert plain_one.get("simplified") is None


def test_insurance_words_stay_whole() -> None:
    words = [t.text for t in pipeline()("我要买第三者责任险和车损险，前保险杠撞坏了")]
    assert {"第三者责任险", "车损险", "前保险杠"} <= set(words)
    assert len(lexicon_words()) > 100


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("活着没意思", "distress"),
        ("信不信我去你们公司泼油漆", "threat"),
        ("再不处理我就找律师告你们", "threat"),
        ("有人昏迷叫不醒", "distress"),
        ("你好，我想问下续保", "calm"),
        ("急死了，撞车了怎么办啊", "anxious"),
        ("不着急，慢慢来", "calm"),
        ("你们就是骗子，垃圾公司！！", "angry"),
        ("再不赔我就砍死你", "threat"),
        ("带人去砸了你们公司", "threat"),
        ("我真的不想活了", "distress"),
        ("没有生气，就是问问", "calm"),
        ("13800000001", "calm"),
        ("车险怎么跳楼价这么便宜", "calm"),
    ],
)
def test_emotions(feelings: EmotionTagger, text: str, emotion: str) -> None:
    assert feelings.emotion_of(text)["name"] == emotion


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
