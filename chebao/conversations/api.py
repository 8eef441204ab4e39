"""The public names of the conversations room."""

from __future__ import annotations

from chebao.conversations.allowance import MESSAGE, Allowances, Consents, MediaCache, Rule, Window
from chebao.conversations.attachments import Attachments
from chebao.conversations.config import HubSettings
from chebao.conversations.delivery import Delivery, Hold
from chebao.conversations.delivery_job import DeliveryJob, DeliveryLost, PushChannel
from chebao.conversations.hub import Hub
from chebao.conversations.outbox import shown
from chebao.conversations.people import Transaction
from chebao.conversations.pictures import MAX_BYTES, judge
from chebao.conversations.questions import ask_due_score, at_rest, end_episode, score_due
from chebao.conversations.rasa import Rasa
from chebao.conversations.service import Booked, Service, Wait
from chebao.conversations.serving import give_to_agent, requeue
from chebao.conversations.types import MAX_TEXT, Accepted, Conversation, Incoming, Message, Owner, Reply, Sender
from chebao.conversations.unit import Change, Company, Observer, Unit
from chebao.conversations.uploads import Upload, Uploads
from chebao.conversations.wire import Wire

__all__ = [
    "MAX_BYTES",
    "MAX_TEXT",
    "MESSAGE",
    "Accepted",
    "Allowances",
    "Attachments",
    "Booked",
    "Change",
    "Company",
    "Consents",
    "Conversation",
    "Delivery",
    "DeliveryJob",
    "DeliveryLost",
    "Hold",
    "Hub",
    "HubSettings",
    "Incoming",
    "MediaCache",
    "Message",
    "Observer",
    "Owner",
    "PushChannel",
    "Rasa",
    "Reply",
    "Rule",
    "Sender",
    "Service",
    "Transaction",
    "Unit",
    "Upload",
    "Uploads",
    "Wait",
    "Window",
    "Wire",
    "ask_due_score",
    "at_rest",
    "end_episode",
    "give_to_agent",
    "judge",
    "requeue",
    "score_due",
    "shown",
]
