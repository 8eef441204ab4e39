"""The running form as an agent sees and changes it, by the questions and parsers of the dialogue itself.

The only module of `actions` that the desk knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker

from actions import claim_signs
from actions.claim import ReportClaimForm
from actions.complaint import ComplaintForm
from actions.forms import Form
from actions.kept import Answers, value_of
from actions.new_policy import NewPolicyForm
from actions.nodes import Draft, Field, Miss
from actions.payments import InvoiceForm, PaymentIssueForm
from actions.policies import PolicyCancelForm, PolicyQueryForm
from actions.policy_change import PolicyChangeForm
from actions.progress import ClaimDisputeForm, ClaimProgressForm
from actions.renewal import RenewalForm
from actions.roadside import AppointmentForm, RoadsideAssistanceForm
from actions.tasks import TASKS
from actions.turn import SHANGHAI, Turn
from chebao.errors import InputRefused
from chebao.insurance import fraud

_FORMS: Final[dict[str, Form]] = {
    form.task: form()
    for form in (
        *(ReportClaimForm, ComplaintForm, NewPolicyForm, InvoiceForm, PaymentIssueForm, PolicyCancelForm),
        *(PolicyQueryForm, PolicyChangeForm, ClaimDisputeForm, ClaimProgressForm, RenewalForm),
        *(AppointmentForm, RoadsideAssistanceForm),
    )
}


def shown(task: str, draft: Mapping[str, Any], edits: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The form with the agent's changes, None for no task of ours.

    Returns:
        ``{task, label, fields: [{name, label, value, shown, words, choices: [{value, title}] | None, missing, kind}]}``;
        ``words`` is what an agent changes, empty where the value is masked.
    """
    form = _FORMS.get(task)
    if form is None:
        return None
    turn, now_filled = _turn(), edited(task, draft, edits or {})
    fields = [_shown(field, turn, now_filled) for field in _open_to_agents(form, turn, now_filled)]
    return {"task": task, "label": TASKS[task], "fields": fields}


async def check(
    task: str,
    draft: Mapping[str, Any],
    words: Mapping[str, str],
    edits: Mapping[str, Any] | None = None,
    *,
    verified: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All changes of the agent, the new `words` (field → what he typed or chose) among them, as values.

    Raises:
        InputRefused: nothing is taken; `detail` says for each field why not.
    """
    form = _FORMS.get(task)
    if form is None:
        raise InputRefused("没有正在填写的表单。")
    changed, refused = dict(edits or {}), {}
    for name, said in words.items():
        now_filled = edited(task, draft, changed)
        field = next((f for f in _open_to_agents(form, _turn(), now_filled) if f.name == name), None)
        value = await _value(field, said.strip(), now_filled, verified) if field else Miss("这一项现在不能改。")
        if isinstance(value, Miss):
            refused[name] = value.why
        else:
            changed[name] = value
    if refused:
        raise InputRefused("有内容没法按填写的保存，请看各项说明。", code="form_refused", detail=refused)
    return changed


def notes(task: str, draft: Mapping[str, Any], edits: Mapping[str, Any]) -> list[str]:
    """What staff should look at in what a claim report holds so far."""
    if task != ReportClaimForm.task:
        return []
    return fraud.staff_notes(claim_signs.signs(edited(task, draft, edits), datetime.now(SHANGHAI)))


def edited(task: str, draft: Mapping[str, Any], edits: Mapping[str, Any]) -> Draft:
    """The draft with the changes, without what was computed from the values before."""
    answers = Answers(_FORMS[task].nodes, _turn(), dict(draft), {})
    for node in answers.nodes:
        if isinstance(node, Field) and node.name in edits:
            answers.take(node, edits[node.name])
    return answers.draft


def _open_to_agents(form: Form, turn: Turn, draft: Draft) -> list[Field]:
    """The fields that are read back to the customer, as far as it can be said yet that they are needed."""
    found = []
    for node in form.nodes:
        if isinstance(node, Field) and node.show:
            with suppress(KeyError):  # what a later question needs is not computed yet
                if node.needed(turn, draft):
                    found.append(node)
    return found


def _shown(field: Field, turn: Turn, draft: Draft) -> dict[str, Any]:
    value = draft.get(field.name)
    text = field.show(value) if field.show and value is not None else ""
    masked = "*" in text
    choices = _choices(field, turn, draft)
    return {
        "name": field.name,
        "label": field.label,
        "value": None if masked else value,
        "shown": text,
        "words": "" if masked else text,
        "choices": [{"value": chosen, "title": title} for title, chosen in choices.items()] or None,
        "missing": field.name not in draft,
        "kind": "choice" if choices else "text",
    }


def _choices(field: Field, turn: Turn, draft: Draft) -> dict[str, Any]:
    """Title → value of the buttons that answer the field's own question."""
    found: dict[str, Any] = {}
    with suppress(KeyError):
        for button in field.ask(turn, draft).buttons:
            values = json.loads(button.payload.removeprefix("/inform") or "{}") if "/inform" in button.payload else {}
            if field.name in values:
                found[button.title] = values[field.name]
    return found


async def _value(field: Field, said: str, draft: Draft, verified: Mapping[str, Any] | None) -> Any:
    choices = _choices(field, _turn(), draft)
    if said in choices:
        return choices[said]
    value = await value_of(field.parse(_turn(said, verified), dict(draft)))
    return Miss(field.explain) if value is None else value


def _turn(said: str = "", verified: Mapping[str, Any] | None = None) -> Turn:
    """The agent's words as if the customer had answered with them."""
    message = {
        "text": said,
        "intent": {"name": "inform", "confidence": 1.0},
        "metadata": {"received_at": datetime.now(SHANGHAI).isoformat(timespec="seconds"), "verified": verified},
    }
    return Turn.of(CollectingDispatcher(), Tracker("desk", {}, message, [], False, None, {}, "action_listen"))
