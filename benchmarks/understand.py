"""Understands texts with a trained model, in the Python environment of that model: ``python understand.py MODEL [PATCHES]``.

Reads JSON texts, one a line (a string, or an object with ``text``); writes ``{text, intent: {name, confidence}, entities, ms}`` a line,
`ms` being the time of the understanding alone. `PATCHES` names a module whose `apply` is called first: our own
changes to Rasa, so that stock Rasa and our model are measured alike.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import sys
import time
import warnings
from typing import Any, TextIO

warnings.filterwarnings("ignore")


async def understood(agent: Any, text: str) -> dict[str, Any]:
    """One message's result and time."""
    began = time.perf_counter()
    result = await agent.parse_message(text)
    spent = (time.perf_counter() - began) * 1000
    return {
        "text": text,
        "intent": {"name": result["intent"]["name"], "confidence": float(result["intent"]["confidence"])},
        "entities": [{k: e[k] for k in ("entity", "value", "start", "end") if k in e} for e in result["entities"]],
        "ms": round(spent, 3),
    }


async def main(model: str, answers: TextIO) -> None:
    """Reads until the end of the input."""
    from rasa.core.agent import Agent
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.WARNING)
    logging.getLogger().setLevel(logging.WARNING)
    agent = Agent.load(model)
    await agent.parse_message("你好")  # the first message pays for what is built lazily
    for line in sys.stdin:
        if line.strip():
            given = json.loads(line)
            result = await understood(agent, given if isinstance(given, str) else given["text"])
            print(json.dumps(result, ensure_ascii=False, default=str), file=answers, flush=True)


if __name__ == "__main__":
    for module in sys.argv[2:]:
        importlib.import_module(module).apply()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever libraries print goes to the standard error
    asyncio.run(main(sys.argv[1], answers))
