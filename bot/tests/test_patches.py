"""The patches of Rasa's internals hold for the one version that they were written for."""

from __future__ import annotations

import os
import subprocess
import sys

from bot.tests.conftest import ROOT

CHECK = """
import rasa
rasa.__version__ = "3.6.22"
from rasa.core.agent import Agent
from rasa.core.processor import MessageProcessor
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils import validation
owners = (Agent, MessageProcessor, DialogueStateTracker)
before = [dict(vars(owner)) for owner in owners], type(Event), validation.validate_yaml_schema
from bot import patches, tracker_store, channel
assert not patches.apply()
patches.trust_the_model()
assert before == ([dict(vars(owner)) for owner in owners], type(Event), validation.validate_yaml_schema)
"""


def test_another_version_of_rasa_is_left_alone() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    result = subprocess.run([sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
