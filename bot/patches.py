"""All changes to Rasa's internals. Rasa OSS is frozen at 3.6.21, so none of them can rot; on any other version none is applied.

CPU milliseconds of this process for a turn (2 cores), each patch taken away in turn; with all of them a turn costs 3.2 to 3.8.
The first five were measured on a claim report of 8 turns, the others on claim, question and small talk (10 turns, least of 15).

| patch | without it |
|---|---|
| answers checked without jsonschema (F2) | + 24.0 |
| small payload of an action call | + 4.4 |
| copies of trackers that do not replay (F1) | + 4.0, more in long conversations |
| kept connections to the action server | + 4.0 |
| no copies for the log | + 4.0 |
| graph run without dask | + 0.9 (and half a second at the start) |
| plain instance checks of events | + 0.3 |
| slots copied without pickling's machinery | + 0.15 |

The rest is for correctness: a failed action fails the turn, the fallback listens, our store stands without a wrapper.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import logging
import types
import weakref
from abc import ABCMeta
from collections import deque
from typing import Any

import aiohttp
import rasa
import rasa.core.actions.action
import rasa.core.policies.memoization
import rasa.core.policies.rule_policy
import rasa.core.processor
import rasa.shared.utils.validation
from rasa.core.actions.action import ActionExecutionRejection, RemoteAction
from rasa.core.agent import Agent
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.constants import ACTION_DEFAULT_FALLBACK_NAME, ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, ActionExecutionRejected, BotUttered, Event, UserUttered
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from bot.nlu import questions

logger = logging.getLogger(__name__)

VERSION = "3.6.21"
ACTION_TIMEOUT = 7.0
"""Seconds for one action call; the hub gives a turn 8, Rasa's own limit is 300."""

RANKING_KEPT = 5

_originals: dict[tuple[type, str], Any] = {}
_applied = False


class ActionFailed(Exception):
    """A custom action failed or could not be reached: the turn must fail, and the hub will send it again."""


def apply() -> bool:
    """Applies every patch once; says whether they are in force."""
    global _applied
    if _applied or rasa.__version__ != VERSION:
        return _applied
    _applied = True
    _patch(DialogueStateTracker, "copy", _copy)
    _patch(RemoteAction, "_validate_action_result", _check_answer)
    _patch(RemoteAction, "_action_call_format", _small_payload)
    _patch(EndpointConfig, "request", _request)
    _patch(MessageProcessor, "_run_action", _run_action)
    _patch(MessageProcessor, "_predict_next_with_tracker", _predict)
    _patch(MessageProcessor, "parse_message", _parse)
    _patch(DaskGraphRunner, "run", _run_graph)
    Slot.__copy__ = _copy_slot
    _plain_instance_checks(Event)
    _patch(Agent, "_create_tracker_store", staticmethod(_keep_tracker_store))
    _no_copies_for_the_log()
    rasa.core.actions.action.DEFAULT_REQUEST_TIMEOUT = ACTION_TIMEOUT
    return True


def trust_the_model() -> None:
    """For serving: the domain inside an archive that we trained is not checked against Rasa's YAML schema once more."""
    if rasa.__version__ == VERSION:
        rasa.shared.utils.validation.validate_yaml_schema = lambda *arguments, **options: None


def _patch(owner: type, name: str, replacement: Any) -> None:
    _originals[(owner, name)] = owner.__dict__[name]
    setattr(owner, name, replacement)


def _copy(self: DialogueStateTracker) -> DialogueStateTracker:
    """F1: a copy that takes over the state instead of replaying every event.

    Rasa copies the tracker before every action. Measured: 4.0 ms without it; the gain grows with the length of the conversation.
    """
    twin = DialogueStateTracker.__new__(DialogueStateTracker)
    twin.__dict__.update(self.__dict__)
    twin.events = deque(self.events, self._max_event_history)
    slots = copy.copy(self.slots)
    for name, slot in self.slots.items():
        slots[name] = copy.copy(slot)
    twin.slots = slots
    twin.active_loop = dataclasses.replace(self.active_loop) if self.active_loop else None
    twin.model_id = twin.assistant_id = twin.sender_source = None
    return twin


def _copy_slot(self: Slot) -> Slot:
    """Every copy of a tracker copies its slots, over a hundred a turn; `copy.copy` alone goes through pickling's machinery."""
    twin = self.__class__.__new__(self.__class__)
    twin.__dict__.update(self.__dict__)
    return twin


class _Plain(ABCMeta):
    """Abstract classes whose instances are told by inheritance alone, as nobody registers foreign classes with them."""

    __instancecheck__ = type.__instancecheck__


def _plain_instance_checks(base: type) -> None:
    """Rasa asks events for their class some 3,500 times a turn, and abstract classes answer slowly."""
    base.__class__ = _Plain
    for child in base.__subclasses__():
        _plain_instance_checks(child)


def _check_answer(self: RemoteAction, result: Any) -> bool:
    """F2: the shape of an action's answer without jsonschema, which re-checks its own constant schema on each call.

    Measured: 24.0 ms without it.
    """
    if not isinstance(result, dict):
        raise ActionFailed(f"action {self.name()} answered with no object")
    events, responses = result.get("events") or [], result.get("responses") or []
    if not all(isinstance(e, dict) and isinstance(e.get("event"), str) for e in events):
        raise ActionFailed(f"action {self.name()} answered with a malformed event")
    if not all(isinstance(r, dict) for r in responses):
        raise ActionFailed(f"action {self.name()} answered with a malformed response")
    result["events"], result["responses"] = events, responses
    return True


def _small_payload(self: RemoteAction, tracker: DialogueStateTracker, domain: Any) -> dict[str, Any]:
    """Slots, the latest message, the loop and the few events that actions look at; no domain, no loop trigger.

    Measured: 4.4 ms without it; with all events a call carries 27 KB at 100 events and 1.3 MB at 5,000.
    """
    state = tracker.current_state(EventVerbosity.NONE)
    state["events"] = _said_last(tracker) + _actions_of_this_turn(tracker)
    message = dict(state["latest_message"] or {})
    message.pop("text_tokens", None)
    state["latest_message"] = message
    if state["active_loop"]:
        state["active_loop"] = {**state["active_loop"], "trigger_message": None}
    return {
        "next_action": self.name(),
        "sender_id": tracker.sender_id,
        "tracker": state,
        "domain": {},
        "version": VERSION,
    }


def _actions_of_this_turn(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    """What a form that takes over in the middle of a turn must know: which form has worked on the message before it."""
    ran: list[dict[str, Any]] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActionExecuted):
            ran.append({"event": "action", "name": event.action_name})
    return ran[::-1]


def _said_last(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    """What the assistant said last, for a customer who asks to hear it again."""
    if tracker.latest_message is None or tracker.latest_message.intent_name != "repeat":
        return []
    said: list[dict[str, Any]] = []
    for event in reversed(tracker.events):
        if isinstance(event, BotUttered):
            said.append(event.as_dict())
        elif isinstance(event, UserUttered) and said:
            break
    return said[::-1]


action_calls = 0
"""Calls of the action server since the start."""

_sessions: weakref.WeakKeyDictionary[Any, aiohttp.ClientSession] = weakref.WeakKeyDictionary()


async def _request(
    self: EndpointConfig,
    method: str = "post",
    subpath: str | None = None,
    content_type: str | None = "application/json",
    compress: bool = False,
    **kwargs: Any,
) -> Any:
    """Action calls over kept connections: Rasa opens a session and a TCP connection for each call.

    Measured: 4.0 ms without it. A connection that the server has closed in the meantime is tried once more.
    """
    if "json" not in kwargs or subpath or self.cafile or self.basic_auth:
        return await _originals[(EndpointConfig, "request")](self, method, subpath, content_type, compress, **kwargs)
    global action_calls
    action_calls += 1
    loop = asyncio.get_running_loop()
    session = _sessions.get(loop)
    if session is None or session.closed:
        connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=30)
        session = _sessions[loop] = aiohttp.ClientSession(connector=connector)
    timeout = aiohttp.ClientTimeout(total=kwargs.get("timeout", ACTION_TIMEOUT), connect=2)
    for attempt in (1, 2):
        try:
            async with session.request(
                method,
                self.url,
                headers=self.headers,
                params=self.combine_parameters(),
                json=kwargs["json"],
                timeout=timeout,
                compress=compress or None,
            ) as response:
                if response.status >= 400:
                    raise ClientResponseError(response.status, response.reason, await response.text())
                return await response.json(content_type=None)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if attempt == 2 or isinstance(error, aiohttp.ClientConnectorError):
                raise
    return None


async def close_sessions() -> None:
    """Closes the kept connections of the running loop."""
    session = _sessions.pop(asyncio.get_running_loop(), None)
    if session is not None:
        await session.close()


async def _run_action(
    self: MessageProcessor, action: Any, tracker: DialogueStateTracker, output_channel: Any, nlg: Any, prediction: Any
) -> bool:
    """Runs one action as Rasa does, but a failure ends the turn instead of being logged and forgotten."""
    try:
        temporary = tracker.copy()
        temporary.update_with_events(prediction.events, self.domain)
        events = await action.run(output_channel, nlg, temporary, self.domain)
    except ActionExecutionRejection:
        tracker.update(ActionExecutionRejected(action.name(), prediction.policy_name, prediction.max_confidence))
        return self.should_predict_another_action(action.name())
    except Exception as error:
        cause = error.__cause__ if error.__cause__ is not None else error
        status = getattr(cause, "status", "")
        raise ActionFailed(f"action {action.name()} failed: {type(cause).__name__} {status}".rstrip()) from error
    self._log_action_on_tracker(tracker, action, events, prediction)
    if any(isinstance(event, UserUttered) for event in events):
        tracker = await self.run_action_extract_slots(output_channel, tracker)
    if action.name() != ACTION_LISTEN_NAME:
        await self.execute_side_effects(events, tracker, output_channel)
    return self.should_predict_another_action(action.name())


async def _parse(
    self: MessageProcessor,
    message: Any,
    tracker: DialogueStateTracker | None = None,
    only_output_properties: bool = True,
) -> dict[str, Any]:
    """Lets the components know what was asked before the message, which Rasa's graph does not hand to them."""
    token = questions.asked.set(questions.question_of(tracker.events) if tracker is not None else "")
    try:
        original = _originals[(MessageProcessor, "parse_message")]
        parsed: dict[str, Any] = await original(self, message, tracker, only_output_properties)
    finally:
        questions.asked.reset(token)
    # Each live tracker keeps every message's ranking: all 29 intents are ten of the sixteen kilobytes of a turn.
    parsed["intent_ranking"] = parsed.get("intent_ranking", [])[:RANKING_KEPT]
    return parsed


def _predict(self: MessageProcessor, tracker: DialogueStateTracker) -> Any:
    """Listens after the fallback: Rasa's own one reverts the utterance, ours does not and would be predicted ten times."""
    if tracker.latest_action_name == ACTION_DEFAULT_FALLBACK_NAME and not tracker.followup_action:
        return PolicyPrediction.for_action_name(self.domain, ACTION_LISTEN_NAME)
    return _originals[(MessageProcessor, "_predict_next_with_tracker")](self, tracker)


def _keep_tracker_store(store: Any, domain: Any) -> Any:
    """Leaves our store without Rasa's fail-safe wrapper, which turns a failed save into a silent fresh conversation."""
    if store is not None and getattr(store, "fails_loudly", False):
        store.domain = domain
        return store
    return _originals[(Agent, "_create_tracker_store")].__func__(store, domain)


def _run_graph(
    self: DaskGraphRunner, inputs: dict[str, Any] | None = None, targets: list[str] | None = None
) -> dict[str, Any]:
    """Runs the nodes one after the other in an order found once, without dask and without searching the schema each time."""
    wanted = targets or self._graph_schema.target_names
    plans = self.__dict__.setdefault("_plans", {})
    plan = plans.get(tuple(wanted))
    if plan is None:
        plan = plans[tuple(wanted)] = _plan(self._graph_schema.nodes, wanted)
    done: dict[str, Any] = dict(inputs or {})
    for name, needs in plan:
        done[name] = self._instantiated_nodes[name](*[(need, done[need]) for need in needs])[1]
    return {name: done[name] for name in wanted}


def _plan(nodes: dict[str, Any], targets: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The nodes that `targets` depend on, each after those it needs; what is no node is an input."""
    order: dict[str, tuple[str, ...]] = {}

    def visit(name: str) -> None:
        if name in nodes and name not in order:
            needs = tuple(dict.fromkeys(nodes[name].needs.values()))
            for need in needs:
                visit(need)
            order[name] = needs

    for target in targets:
        visit(target)
    return list(order.items())


def _no_copies_for_the_log() -> None:
    """Debug log calls deep-copy states and events even when nothing is logged.

    Measured: 4.0 ms without it. In these three modules `copy.deepcopy` serves the log alone.
    """
    shallow = types.SimpleNamespace(deepcopy=lambda value: value, copy=copy.copy)
    for module in (rasa.core.processor, rasa.core.policies.memoization, rasa.core.policies.rule_policy):
        if hasattr(module, "copy"):
            module.copy = shallow
