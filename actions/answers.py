"""What is said to a question and to small talk, inside and outside the dialogues."""

from __future__ import annotations

from typing import Any, Final

from actions import own_facts
from actions.services import knowledge
from actions.tasks import TASKS
from actions.turn import HUMAN, Button, Turn, command
from chebao.knowledge.articles import Article
from chebao.knowledge.search import Answer

#: Intents that are no task; each but "repeat" has its short reply utter_<intent> in domain.yml.
SMALL_TALK: Final = frozenset(
    {"greet", "thank", "goodbye", "help", "bot_challenge", "chitchat", "out_of_scope", "repeat"}
)


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


def answer(turn: Turn) -> None:
    """Answers a knowledge question from the articles, offers up to three, or says that it cannot."""
    say(turn, find(turn))


def aside(turn: Turn) -> None:
    """Answers a question that stands beside a task, if the articles know it beyond doubt, and offers no other task."""
    found = find(turn)
    if found.article is not None:
        turn.say(_worded(found.article, found.text), custom=_record(found))


def knows(turn: Turn) -> bool:
    """Whether the articles answer these words beyond doubt, though they do not look like a question."""
    return find(turn).kind == "confident"


async def answer_personally(turn: Turn, found: Answer) -> None:
    """Says what was found, with what an identified customer's own policies add."""
    say(turn, found, await own_facts.facts(turn, found.article.id) if found.article else "")


def find(turn: Turn) -> Answer:
    """What the articles have for a question, or for the article that was chosen."""
    base = knowledge()
    if (topic := turn.pressed.get("topic")) is None:
        return base.answer(turn.text, motoring=turn.in_dialogue)
    article = base.article(str(topic))
    return Answer("confident", article, article.lead) if article else Answer("none")


def say(turn: Turn, found: Answer, own: str = "") -> None:
    """Says what was found.

    Args:
        own: what is added for this customer.
    """
    if found.article is not None:
        article = found.article
        turn.say(
            _worded(article, found.text, own),
            [] if turn.in_dialogue else _next_step(article.related_dialogue),
            custom=_record(found),
        )
    elif found.kind == "choices":
        choices = [command(c.title, "faq", topic=c.id) for c in found.choices]
        turn.say("您想了解的是下面哪一个？", choices, custom=_record(found))
    else:
        turn.say(
            "这个问题我没有把握答准，怕说错耽误您。可以换个说法再问一次，或者请人工同事来答。",
            [HUMAN],
            custom=_record(found),
        )


def _worded(article: Article, text: str, own: str = "") -> str:
    return "\n".join(part for part in (text, own, f"依据：{article.sources[0]}") if part)


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
