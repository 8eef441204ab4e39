"""One turn as an action sees it: what the customer said, who is verified, and what is said back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from json import dumps
from typing import Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker

SHANGHAI = ZoneInfo("Asia/Shanghai")

Wants = Literal["", "location", "phone", "licence"]
"""What a question is best answered with: a platform's own button, or a photo of a licence, which the hub then has read."""

_QUESTION = re.compile(
    r"[?？]|吗\s*$|呢\s*$|什么|怎么|多少|多久|多长|哪些|几天|几个|为什么|为啥|咋|如何|能不能|可不可以|是不是|会不会|要不要|有没有|请问|问一?下|想问|想了解"
)

_FOREIGN: Final = 0.05
"""A likelihood of another matter under which a question needs no word of motoring to be answered."""

_LONGEST: Final = 2_000
"""A dialogue reads so many characters of a message; the conversation keeps them all."""


@dataclass(frozen=True)
class Button:
    """A choice shown to the customer; `payload` is Rasa's ``/intent{json}``, which the hub hides behind a token."""

    title: str
    payload: str

    def as_dict(self) -> dict[str, str]:
        return {"title": self.title, "payload": self.payload}


def option(title: str, field: str, value: object) -> Button:
    """A button that answers `field` of the running form with `value`."""
    return Button(title, "/inform" + dumps({field: value}, ensure_ascii=False))


def command(title: str, intent: str, **entities: object) -> Button:
    """A button that stands for an intent, e.g. ``command("转人工", "human_agent")``."""
    return Button(title, f"/{intent}" + (dumps(entities, ensure_ascii=False) if entities else ""))


HUMAN = command("转人工", "human_agent")


@dataclass(frozen=True)
class Turn:
    """What one action call knows.

    Attributes:
        channel: where the customer writes: ``web``, ``door``, ``wechat``, ``telegram``.
        text: the customer's words in simplified characters, or "" for a pressed button or a bare photo or position.
        pressed: field → value of a pressed button (Rasa shell: of a payload typed as ``/inform{…}``), else empty.
        verified: ``{customer_id, phone, name}`` of the identified customer, or None.
        begun: what the customer began in another conversation, where the hub was asked for it.
        moved: task → where its draft of this conversation went, ``{channel}``; None for one that was given up.
        now: when the platform received the message (Asia/Shanghai), so that a repeated turn resolves "刚才" alike.
    """

    dispatcher: CollectingDispatcher
    tracker: Tracker
    sender: str
    channel: str
    message_id: str
    text: str
    intent: str
    confidence: float
    emotion: str
    entities: tuple[Mapping[str, Any], ...]
    pressed: Mapping[str, Any]
    verified: Mapping[str, Any] | None
    now: datetime
    attachments: tuple[Mapping[str, Any], ...]
    location: Mapping[str, Any] | None
    begun: tuple[Mapping[str, Any], ...]
    moved: Mapping[str, Any]

    @classmethod
    def of(cls, dispatcher: CollectingDispatcher, tracker: Tracker) -> Self:
        """Reads the turn from Rasa's latest message."""
        message = tracker.latest_message
        metadata = message.get("metadata") or {}
        intent = message.get("intent") or {}
        entities = tuple(message.get("entities") or ())
        text = str(message.get("simplified") or message.get("text") or "")[:_LONGEST]
        from_button = bool(message.get("pressed")) or text.startswith("/")
        received = metadata.get("received_at")
        return cls(
            dispatcher=dispatcher,
            tracker=tracker,
            sender=tracker.sender_id,
            channel=str(metadata.get("channel") or ""),
            message_id=str(message.get("message_id") or ""),
            text="" if from_button else text,
            intent=intent.get("name") or "nlu_fallback",
            confidence=float(intent.get("confidence") or 0.0),
            emotion=(message.get("emotion") or {}).get("name", "calm"),
            entities=() if from_button else entities,
            pressed={e["entity"]: e["value"] for e in entities} if from_button else {},
            verified=metadata.get("verified"),
            now=datetime.fromisoformat(received).astimezone(SHANGHAI) if received else datetime.now(SHANGHAI),
            attachments=tuple(metadata.get("attachments") or ()),
            location=metadata.get("location"),
            begun=tuple(metadata.get("begun") or ()),
            moved=metadata.get("moved") or {},
        )

    def saying(self, text: str) -> Turn:
        """The same turn as if the customer had said only `text`: its entities are those that stand in it."""
        kept = tuple(e for e in self.entities if str(self.text[e["start"] : e["end"]]) in text)
        return replace(self, text=text, entities=kept)

    def identified(self, identity: Mapping[str, Any]) -> Turn:
        """The same turn after the customer proved who he is."""
        return replace(self, verified=identity)

    def entity(self, name: str) -> Any | None:
        """The first value of an entity that the understanding found, or None."""
        return next((e["value"] for e in self.entities if e["entity"] == name), None)

    def is_intent(self, *names: str, least: float = 0.55) -> bool:
        """Whether the message means one of `names` with at least the confidence `least`; a button always does."""
        return self.intent in names and (self.confidence >= least or not self.text)

    @property
    def customer_id(self) -> str | None:
        return self.verified.get("customer_id") if self.verified else None

    @property
    def in_dialogue(self) -> bool:
        """Whether a dialogue runs, so that nothing should lead away from it."""
        return bool((self.tracker.active_loop or {}).get("name"))

    @property
    def surely_ours(self) -> bool:
        """Whether the classifier of intents all but rules out that these words are no matter of ours."""
        ranking = self.tracker.latest_message.get("intent_ranking") or []
        foreign = next((r["confidence"] for r in ranking if r["name"] == "out_of_scope"), 0.0)
        return bool(ranking) and foreign < _FOREIGN

    @property
    def looks_like_question(self) -> bool:
        return bool(_QUESTION.search(self.text))

    @property
    def handed_over(self) -> bool:
        """Whether this turn has put the conversation into the queue, so that the bot falls silent."""
        effects = [e for m in self.dispatcher.messages for e in (m.get("custom") or {}).get("effects", ())]
        return any("handoff" in e and not e["handoff"].get("keep_bot") for e in effects)

    def after_other_form(self, form: str) -> bool:
        """Whether another form has already worked on this message."""
        for event in reversed(self.tracker.events or []):
            if event.get("event") == "user":
                return False
            name = str(event.get("name") or "")
            if event.get("event") == "action" and name.endswith("_form") and name != form:
                return True
        return False

    @property
    def said_last(self) -> list[dict[str, Any]]:
        """The bubbles with words of the answer before this message; known only where the customer asks to hear it again."""
        return [e for e in self.tracker.events or [] if e.get("event") == "bot" and e.get("text")]

    @property
    def further(self) -> list[tuple[str, str]]:
        """Intent and words of what the message asks for besides its first wish ("我要报案，顺便问下续保多少钱")."""
        return [(wish["intent"], wish["text"]) for wish in self.tracker.latest_message.get("further") or ()]

    def key(self, name: str) -> str:
        """Idempotency key of a back-office write: conversation, message and command."""
        return f"{self.sender}:{self.message_id}:{name}"

    def say(
        self,
        text: str,
        buttons: Iterable[Button] = (),
        wants: Wants = "",
        custom: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds a bubble to the answer; `custom` is for the ledger."""
        kept = {**(custom or {}), **({"wants": wants} if wants else {})}
        self.dispatcher.utter_message(text=text, buttons=[b.as_dict() for b in buttons], json_message=kept or None)

    def card(self, card: Mapping[str, Any]) -> None:
        """Adds a card; a plain text that says the same stands beside it."""
        self.dispatcher.utter_message(json_message={"card": dict(card)})

    def effect(self, name: str, value: Mapping[str, Any]) -> None:
        """Tells the hub to do something together with the replies (architecture: Rasa → hub)."""
        self.dispatcher.utter_message(json_message={"effects": [{name: dict(value)}]})


def numbered(lines: Sequence[str]) -> str:
    """Lines as a numbered list."""
    return "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 1))
