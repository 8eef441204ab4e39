"""What is said to a question and to small talk, inside and outside the dialogues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from actions import own_facts
from actions.nodes import Draft
from actions.services import knowledge
from actions.tasks import TASKS
from actions.turn import HUMAN, Button, Turn, command
from chebao.knowledge.articles import Article
from chebao.knowledge.search import Answer

#: Intents that are no task; each but "repeat" has its short reply utter_<intent> in domain.yml.
SMALL_TALK: Final = frozenset(
    {"greet", "thank", "goodbye", "help", "bot_challenge", "chitchat", "out_of_scope", "repeat"}
)

#: From this certainty on a question that is surely ours is answered though no word of motoring is in it.
_WITHOUT_MOTORING: Final = 0.7


def small_talk(turn: Turn, intent: str) -> bool:
    """Says the short reply to small talk. Returns whether `intent` is such talk."""
    if intent not in SMALL_TALK:
        return False
    if intent != "repeat":
        turn.dispatcher.utter_message(response=f"utter_{intent}")
        return True
    return turn.in_dialogue or _again(turn)  # a dialogue asks its question again by itself


def _again(turn: Turn) -> bool:
    """Says once more what was said last. Returns whether there was anything."""
    for bubble in turn.said_last:
        turn.dispatcher.utter_message(text=bubble["text"], buttons=bubble["data"].get("buttons") or [])
    return bool(turn.said_last)


async def answer(turn: Turn, draft: Draft) -> None:
    """Answers a knowledge question from the articles, offers up to three, or says that it cannot."""
    await say(turn, find(turn), draft)


async def aside(turn: Turn, draft: Draft) -> bool:
    """Answers a question that stands beside a task, if the articles know it beyond doubt, and offers no other task.

    Returns whether it did.
    """
    found = find(turn)
    if found.article is None:
        return False
    await _tell(turn, found.article, found, draft, [])
    return True


def find(turn: Turn) -> Answer:
    """What the articles have for a question, or for the article that was chosen."""
    base = knowledge()
    if (topic := turn.pressed.get("topic")) is None:
        found = base.answer(turn.text, motoring=turn.in_dialogue)
        # The certainty is the same with and without motoring: a second search is worth its time only where it can answer.
        if found.kind == "confident" or found.certainty < _WITHOUT_MOTORING or turn.in_dialogue or not turn.surely_ours:
            return found
        likely = base.answer(turn.text, motoring=True)
        return likely if likely.kind == "confident" else found
    article = base.article(str(topic))
    return Answer("confident", article, article.lead) if article else Answer("none")


async def say(turn: Turn, found: Answer, draft: Draft | None = None) -> None:
    """Says what was found, with what an identified customer's own policies add.

    Args:
        draft: of the dialogue that runs.
    """
    if found.article is not None:
        buttons = [] if turn.in_dialogue else _next_step(found.article.related_dialogue)
        await _tell(turn, found.article, found, draft or {}, buttons)
    elif found.kind == "choices":
        choices = [command(c.title, "faq", topic=c.id) for c in found.choices]
        turn.say("您想了解的是下面哪一个？", choices, custom=_record(found))
    else:
        turn.say(
            "这个问题我没有把握答准，怕说错耽误您。可以换个说法再问一次，或者请人工同事来答。",
            [HUMAN],
            custom=_record(found),
        )


async def _tell(turn: Turn, article: Article, found: Answer, draft: Draft, buttons: Iterable[Button]) -> None:
    own = await own_facts.facts(turn, article.id, draft)
    text = "\n".join(part for part in (found.text, own, f"依据：{article.sources[0]}") if part)
    turn.say(text, buttons, custom=_record(found))


def _next_step(dialogue: str) -> list[Button]:
    """What can be done now that the answer is known: a task, or a person where the matter needs one."""
    if dialogue == "human_agent":
        return [HUMAN]
    return [command(f"去办{TASKS[dialogue]}", dialogue)] if dialogue in TASKS else []


def _record(found: Answer) -> dict[str, Any]:
    """What the ledger keeps of an answer: which article in which version, or that there was none."""
    best = found.article or (found.choices[0] if found.choices else None)
    named = {"topic": best.id, "version": best.version} if best else {}
    return {"knowledge": {**named, "kind": found.kind}}
