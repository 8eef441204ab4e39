"""What is said to a question and to small talk, inside and outside the dialogues."""

from __future__ import annotations

from typing import Final

from actions.services import knowledge
from actions.tasks import TASKS
from actions.turn import HUMAN, Turn, command
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


def answer(turn: Turn) -> bool:
    """Answers a knowledge question from the articles, offers up to three, or says that it cannot. True if answered."""
    if (topic := turn.pressed.get("topic")) is not None:
        article = next((a for a in knowledge().articles if a.id == topic), None)
        found = Answer("confident", article, article.lead) if article else Answer("none")
    else:
        found = knowledge().answer(turn.text, motoring=turn.in_dialogue)
    if found.kind == "confident" and found.article is not None:
        task = found.article.related_dialogue
        turn.say(found.text, [command(f"去办{TASKS[task]}", task)] if task in TASKS and not turn.in_dialogue else [])
        return True
    if found.kind == "choices":
        turn.say("您想了解的是下面哪一个？", [command(c.title, "faq", topic=c.id) for c in found.choices])
        return True
    turn.say("这个问题我没有把握答准，怕说错耽误您。可以换个说法再问一次，或者请人工同事来答。", [HUMAN])
    return False
