"""How a customer feels, as far as plain words say it: ``calm``, ``anxious``, ``angry``, ``threat`` or ``distress``."""

from __future__ import annotations

import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.text import plain

_NEGATION = re.compile(r"(?:不|没|没有|别|并不|不是很?|不太|不会|不用|无需|毫不|谈不上)$")

_LEXICON: dict[str, list[tuple[str, float]]] = {
    "distress": [
        (
            r"不想活|活不下去|想死(?!机)|死了算了|自杀|轻生|跳楼(?!价)|割腕|结束(?:我的|自己的?)?生命|活着没意思|了结自己",
            0.95,
        ),
        (r"崩溃|绝望|撑不(?:住|下去)|走投无路|天都?塌了|哭(?:了一?晚|死|个不停)|呜呜|受不了了|六神无主", 0.8),
        (r"(?:老公|老婆|孩子|妈妈|爸爸|家人|父亲|母亲|儿子|女儿|朋友)[^，。]{0,8}(?:去世|不在了|没了|死了|走了)", 0.85),
    ],
    "threat": [
        (r"(?:弄|砍|捅|打|杀|整|搞)死你|砍了?你|捅了?你|要你(?:的)?命|同归于尽|炸了?你们|放火烧|一把火|血债", 0.95),
        (
            r"(?:找人|带人|叫人)[^，。]{0,6}(?:砸|打|收拾|堵|弄)|砸了?你们|收拾你|堵(?:你们)?(?:门|公司)|走着瞧|别让我(?:遇|碰)到",
            0.85,
        ),
        (r"让你(?:们)?(?:付出代价|吃不了兜着走|好看)|知道你(?:家)?住哪", 0.85),
    ],
    "angry": [
        (
            r"(?:他|你|它|特)妈的?|tmd|md(?![a-z])|cnm|nmd|sb(?![a-z])|傻[逼叉b比x]|操你|草泥马|去死|滚(?:蛋|开|!|$)|王八蛋|混蛋",
            0.92,
        ),
        (
            r"骗子|骗人|坑人|太坑|黑心|垃圾(?:公司|保险|服务|客服)?|流氓|霸王条款|不要脸|无耻|恶心|废物|忽悠|推(?:来推去|卸|诿)|踢皮球",
            0.85,
        ),
        (r"投诉你|要投诉|我要曝光|曝光你|12378|银保监|金融监管|消协|12315|黑猫|起诉你|告你们|法院见|媒体", 0.75),
        (
            r"气死|气炸|太过分|过分了|火大|发火|忍无可忍|什么态度|什么玩意|什么破|岂有此理|凭什么|搞什么(?:鬼|名堂)|有完没完",
            0.8,
        ),
        (
            r"到底(?:什么时候|要(?:等|拖)|赔不赔|管不管|还要)|还要(?:等|拖)(?:多久|到)|拖(?:了|着|到)|说了(?:多少|几)遍|没人(?:管|理|接)",
            0.68,
        ),
        (r"生气|愤怒|不满意?|失望|差评|态度(?:太|很|真)?差|敷衍", 0.66),
    ],
    "anxious": [
        (
            r"着急|急死|好急|很急|急(?:急|!|！)|快(?:点|一点)(?:来|吧|啊|!)?|赶紧|马上|等不(?:了|及)|火烧眉毛|救命|怎么办[啊呀呢]|咋办",
            0.75,
        ),
        (
            r"害怕|好怕|很怕|吓(?:死|坏|到|傻)|慌|紧张|担心|焦虑|手(?:都)?在?抖|腿(?:都)?软|不知所措|不知道(?:该)?怎么办|睡不着",
            0.78,
        ),
        (r"(?:流血|出血|受伤|昏迷|晕倒|没反应|动不了|卡住了|着火|冒烟|起火)", 0.72),
    ],
}
_PATTERNS = {name: [(re.compile(p), w) for p, w in rows] for name, rows in _LEXICON.items()}
_NEGATABLE = {"angry", "anxious"}
_SHOUTING = re.compile(r"[!]{2,}|[?]{3,}|(?:!\?|\?!)+")
_SOFTENING = re.compile(r"如果|万一|假如|请问|想问|是不是|会不会|需要.{0,4}吗|可以.{0,6}吗")


def emotion_of(text: str) -> tuple[str, float]:
    """The strongest feeling that the words show, with a confidence; ``calm`` where none does."""
    prepared = plain(text)
    if not prepared:
        return "calm", 0.5
    best = ("calm", 0.6 if _SHOUTING.search(prepared) else 0.85)
    for name, patterns in _PATTERNS.items():
        weight = max((w for pattern, w in patterns if _meant(pattern, prepared, name)), default=0.0)
        if not weight:
            continue
        if _SHOUTING.search(prepared):
            weight = min(0.97, weight + 0.08)
        if name in _NEGATABLE and weight < 0.8 and _SOFTENING.search(prepared):
            weight -= 0.15
        if weight >= 0.6:
            return name, round(weight, 2)
    return best


def _meant(pattern: re.Pattern[str], text: str, name: str) -> bool:
    """Whether some match is not negated by the words just before it ("不着急", "没有生气")."""
    for match in pattern.finditer(text):
        before = text[max(0, match.start() - 4) : match.start()]
        if name not in _NEGATABLE or not _NEGATION.search(before):
            return True
    return False


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class EmotionTagger(GraphComponent):
    """Puts ``emotion`` beside the intent, so that actions find it in ``tracker.latest_message``."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EmotionTagger:
        """Made by Rasa's graph."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Tags every message."""
        for message in messages:
            name, confidence = emotion_of(message.get(TEXT) or "")
            message.set("emotion", {"name": name, "confidence": confidence}, add_to_output=True)
        return messages
