"""Conversations: alive in memory, bounded by number and age, every turn appended to PostgreSQL in one statement.

The tables are rows of ``rasa.events`` (one an event; a row named ``snapshot`` replaces all before it) and ``rasa.turns``
(the replies to each message id). Without a URL nothing is stored: tests of dialogues and `rasa shell` run that way.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections import OrderedDict, deque
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT_TOKENS

from bot import history, patches
from bot.database import Answer, Database
from bot.history import fold, needs_folding

logger = logging.getLogger(__name__)
patches.apply()

MAX_LIVE = int(os.environ.get("CHEBAO_RASA_LIVE_TRACKERS", "2000"))
MAX_LIVE_EVENTS = 8 * MAX_LIVE
"""Events of all live trackers together, a first turn for each: a conversation's length then moves no memory (1 KB an event,
7 KB a tracker), only how soon it is read again."""

MAX_IDLE_SECONDS = float(os.environ.get("CHEBAO_RASA_LIVE_SECONDS", "3600"))
MAX_RECENT = 64


@dataclass
class Turn:
    """The customer's message being answered: its id, and the answer so far, which is stored with the events."""

    message_id: str
    replies: list[dict[str, Any]] = field(default_factory=list)
    understood: dict[str, Any] | None = None

    @property
    def answer(self) -> Answer:
        """What the hub gets."""
        return Answer(self.replies, self.understood)


current_turn: ContextVar[Turn | None] = ContextVar("current_turn", default=None)


class LiveTracker(DialogueStateTracker):
    """A tracker that knows how many of its events are stored, and under which numbers its rows begin and go on."""

    recent: deque[str | None]
    """Ids of the messages answered last."""

    stored = 0
    first_seq = 0
    next_seq = 0
    held = 0
    """Events that the store has counted for it."""

    damaged = False


class LiveTrackerStore(TrackerStore):
    """Keeps trackers alive between turns; a failed save raises, and the live copy is dropped with it."""

    fails_loudly = True

    def __init__(self, domain: Domain | None, event_broker: Any = None, host: str = "", **kwargs: Any) -> None:
        """Rasa hands the `url` of `endpoints.yml` over as `host`; anything that is no URL means memory alone."""
        super().__init__(domain, event_broker, **kwargs)
        self.database = Database(host) if "://" in (host or "") else None
        self._live: OrderedDict[str, tuple[LiveTracker, float]] = OrderedDict()
        self._live_events = 0
        self._answers: dict[tuple[str, str], Answer] = {}

    async def retrieve(self, sender_id: str) -> LiveTracker | None:
        """The live tracker, else the one rebuilt from its rows, else None."""
        kept = self._live.get(sender_id)
        if kept is not None:
            self._keep(kept[0])
            return kept[0]
        if self.database is None:
            return None
        rows = self.database.load(sender_id)
        if not rows:
            return None
        tracker = self._rebuild(sender_id, rows)
        self._keep(tracker)
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Appends the new events, and with them the turn's replies, in one statement."""
        if not isinstance(tracker, LiveTracker):
            raise TypeError("only trackers of this store can be saved in it")
        turn = current_turn.get()
        if turn is not None and tracker.latest_message is not None:
            turn.understood = understood(tracker.latest_message.parse_data or {})
        if tracker.latest_message is not None:
            # A third of what understanding leaves; `rasa test` alone reads it.
            (tracker.latest_message.parse_data or {}).pop(TEXT_TOKENS, None)
        new = [event.as_dict() for event in list(tracker.events)[tracker.stored :]]
        if not new and not tracker.damaged:
            self._keep(tracker)
            return
        folded = fold(tracker) if tracker.damaged or needs_folding(tracker) else None
        following = tracker.next_seq + len(new)
        if tracker.damaged or (folded is not None and following - tracker.first_seq > history.SNAPSHOT_AT):
            new.append({"event": "snapshot", "timestamp": time.time(), "events": [e.as_dict() for e in folded or ()]})
            tracker.first_seq = following
            following += 1
        if self.database is not None:
            try:
                given = (turn.message_id, turn.answer) if turn else ()
                self.database.append(tracker.sender_id, tracker.next_seq, new, *given)
            except Exception:
                self.drop(tracker.sender_id)
                raise
        elif turn is not None:
            self._answers[tracker.sender_id, turn.message_id] = turn.answer
        if turn is not None:
            tracker.recent.append(turn.message_id)
        tracker.next_seq = following
        tracker.stored = len(tracker.events)
        if folded is not None:
            recent = tracker.recent
            tracker = self._from_events(tracker.sender_id, folded, tracker.first_seq, following)
            tracker.recent = recent
        self._keep(tracker)

    def answered(self, sender_id: str, message_id: str) -> Answer | None:
        """The stored answer to a message that was answered before, else None.

        A live conversation knows the ids of its recent messages, which spares the look-up; one that was folded away is
        found out when the turn is stored (`StaleConversation`).
        """
        if self.database is None:
            return self._answers.get((sender_id, message_id))
        kept = self._live.get(sender_id)
        if kept is not None and message_id not in kept[0].recent:
            return None
        return self.database.answer(sender_id, message_id)

    def drop(self, sender_id: str) -> None:
        """Forgets the live copy; the next turn reads the rows."""
        kept = self._live.pop(sender_id, None)
        if kept is not None:
            self._live_events -= kept[0].held

    def init_tracker(self, sender_id: str) -> LiveTracker:
        """A tracker without events."""
        tracker = LiveTracker(sender_id, self.domain.slots)
        tracker.recent = deque(maxlen=MAX_RECENT)
        return tracker

    async def keys(self) -> Iterable[str]:
        """Ids of the live conversations."""
        return list(self._live)

    @property
    def live(self) -> int:
        """Number of live trackers."""
        return len(self._live)

    def _keep(self, tracker: LiveTracker) -> None:
        """Puts the tracker in as the most recent, and drops what is over the bounds."""
        now = time.monotonic()
        self.drop(tracker.sender_id)
        tracker.held = len(tracker.events)
        self._live[tracker.sender_id] = (tracker, now)
        self._live_events += tracker.held
        if self.database is None:
            return
        while self._live:
            oldest, (_, used) = next(iter(self._live.items()))
            over = len(self._live) > MAX_LIVE or (self._live_events > MAX_LIVE_EVENTS and oldest != tracker.sender_id)
            if not over and now - used <= MAX_IDLE_SECONDS:
                break
            self.drop(oldest)

    def _rebuild(self, sender_id: str, rows: list[tuple[int, Any]]) -> LiveTracker:
        """The tracker of stored rows; one that cannot be read begins anew, and the log says which."""
        first, following = rows[0][0], rows[-1][0] + 1
        try:
            dicts = [data if isinstance(data, dict) else json.loads(data) for _, data in rows]
            if dicts[0].get("event") == "snapshot":
                dicts[:1] = dicts[0]["events"]
            events = [Event.from_parameters(d) for d in dicts]
            if any(event is None for event in events):
                raise ValueError("unknown kind of event")
            tracker = self._from_events(sender_id, events, first, following)
            tracker.recent.extend(event.message_id for event in events if isinstance(event, UserUttered))
            return tracker
        except Exception as error:
            logger.error("conversation %s has a damaged event row and begins anew: %s", sender_id, type(error).__name__)
            tracker = self.init_tracker(sender_id)
            tracker.first_seq, tracker.next_seq, tracker.damaged = first, following, True
            return tracker

    def _from_events(self, sender_id: str, events: list[Event], first_seq: int, next_seq: int) -> LiveTracker:
        tracker = self.init_tracker(sender_id)
        for event in events:
            tracker.update(event, self.domain)
        tracker.stored, tracker.first_seq, tracker.next_seq = len(tracker.events), first_seq, next_seq
        return tracker


def understood(parsed: dict[str, Any]) -> dict[str, Any]:
    """What the hub keeps of the understanding of one message: the learning loop and the desk read it there.

    ``source`` names who decided (a model of ours, or ``button``), ``also`` further intents that the message has.
    """
    intent = parsed.get("intent") or {}
    return {
        "intent": intent.get("name"),
        "confidence": round(float(intent.get("confidence") or 0.0), 4),
        "emotion": (parsed.get("emotion") or {}).get("name"),
        "source": "button" if parsed.get("pressed") else parsed.get("source", "model"),
        "also": list(parsed.get("also") or ()),
    }
