"""A dialogue begun in one channel and continued in another.

The hub keeps how far an identified customer has come (effect ``begun``). Where he asks elsewhere to go
on and proves who he is, the hub tells what it knows in a second call of the same turn: the pressed entity ``begun`` is

- ``offer``: the customer is asked once whether to go on here with `Turn.begun`;
- ``taken``: he said yes, the draft is ours now and no longer the other conversation's;
- ``none``, ``gone``: there is nothing to go on with, or no longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from actions import wording
from actions.fields import NO, YES
from actions.kept import CHANGING, Answers, Wait
from actions.nodes import Draft, Field, Finish, Step
from actions.tasks import TASKS
from actions.turn import Button, Turn, command

#: Tasks long enough to be interrupted by a change of device.
CONTINUED: Final = ("report_claim", "renewal", "new_policy")
ELSEWHERE = "elsewhere"
"""Value of Rasa's requested_slot while the customer is asked whether to go on with what was begun elsewhere."""

PROVE = "prove"
"""Key in the draft while identity is asked for because of a change of channel: ``resume`` or ``keep``."""

_OFFER = "offer"
_CHANNELS = {"web": "网页", "wechat": "微信", "telegram": "Telegram"}
_FACTS = (("plate", "车牌"), ("place", "地点"), ("model", "车型"))
_RESUME = re.compile(
    r"(接着|继续)(办|填|报|弄|做|完成)?(我)?(上次|上回|之前|刚才|先前|原来|昨天|前面|没(填|办|报|弄)完)"
    r"|(上次|上回|之前|刚才|先前|昨天|前面).{0,8}没(填|办|报|弄|走)完|(接着|继续)(填|办|报).{0,3}(网页|微信|电脑|另一)"
)
_KEEP = re.compile(
    r"(换到?|去|用|到|转到?|改用|回头在|等会儿?在|待会儿?在)(微信|手机|网页|电脑|telegram|别的(渠道|地方|设备)).{0,4}(接着|继续|再)(填|办|报|弄|说)"
    r"|换个?(渠道|地方|设备|手机|电脑)(上)?(接着|继续|再)(填|办|报|弄)",
    re.IGNORECASE,
)


_NAMED: Final = {
    "report_claim": re.compile("报案|理赔"),
    "renewal": re.compile("续保"),
    "new_policy": re.compile("投保|报价|买"),
}
"""How the customer calls what he wants to go on with."""


def asks_to_resume(turn: Turn) -> bool:
    """Whether the customer wants to go on with what he began before."""
    return turn.pressed.get("resume") is True or (len(turn.text) <= 40 and bool(_RESUME.search(turn.text)))


def named_task(turn: Turn) -> str | None:
    """Which of the tasks the customer wants to go on with, where his words name one and no other."""
    named = [task for task in CONTINUED if _NAMED[task].search(turn.text)]
    return named[0] if len(named) == 1 else None


def offer_tasks(turn: Turn) -> None:
    """Asks which of the tasks is meant, where the words do not say."""
    turn.say("好的，您想接着办哪一件？", [command(f"接着办{TASKS[task]}", task, resume=True) for task in CONTINUED])


def over(turn: Turn, tasks: Iterable[str]) -> None:
    """Tells the hub that these tasks are not under way any more."""
    for task in tasks if turn.verified else ():
        if task in CONTINUED:
            turn.effect("begun", {"task": task, "draft": None})


def proof_wished(turn: Turn, draft: Draft) -> bool:
    """`needed` of an identification that is only there for a change of channel."""
    return PROVE in draft


class Continued(Answers):
    """What a form's turn has to do with other conversations of the customer."""

    def __init__(self, task: str, nodes: Any, turn: Turn, draft: Draft, misses: dict[str, int]) -> None:
        super().__init__(nodes, turn, draft, misses)
        self.task, self.known = task, turn.verified is not None
        self.requested: str | None = None
        self._looking = False

    @property
    def in_order(self) -> list[Field | Step]:
        """The nodes; identification comes first where it is the way to what was begun elsewhere."""
        nodes = list(self.nodes)
        return sorted(nodes, key=lambda n: not n.name.startswith("id_")) if PROVE in self.draft else nodes

    @property
    def gives_way(self) -> dict[str, bool] | None:
        """Mark of a question in whose place the hub may put what was begun elsewhere."""
        return {"asks": True} if self._looking else None

    def forget_lapsed_proof(self) -> None:
        """What stands in the draft of an identification is void once the hub no longer vouches for it."""
        if "id_code" in self.draft:
            self._drop_identification()

    def _drop_identification(self) -> None:
        for name in [n for n in self.draft if n.startswith("id_")]:
            self.draft.pop(name)

    # --- hearing ------------------------------------------------------------------------------------------------

    def moved_away(self, *, running: bool) -> None:
        """Drops a draft that another conversation took over, or that was given up with the customer's identity."""
        moved = self.turn.moved.get(self.task)
        if moved is None:
            return
        self.draft, self.misses = {}, {}
        self.turn.effect("begun", {"task": self.task, "draft": None})
        name = TASKS[self.task]
        if moved["channel"] is None:
            told = f"退出后，之前没填完的{name}已经清掉了，没有提交。"
        else:
            told = f"这份{name}已经转到{_place(moved['channel'])}接着填，这里不会重复提交。想挪回来，就说“接着上次的{name}”。"
        if running:
            raise Finish(told)
        if moved["channel"] is not None and not asks_to_resume(self.turn):
            self.turn.say(told)

    def hear_of_begun(self, told: str) -> None:
        """The hub's second call; what it tells of another task is for that task's form."""
        turn = self.turn
        name = TASKS[self.task]
        if told == "offer":
            self._offer(turn.begun[0])
        elif told == "taken":
            proof = {k: v for k, v in self.draft.items() if k.startswith("id_")}
            self.draft, self.misses = {**proof, **turn.begun[0]["draft"]}, {}
        elif told == "none":
            turn.say(f"没有查到您在别处没填完的{name}，我们在这里填。")
        else:
            told_gone = f"那份{name}正在别处提交，或者已经办完、停下了，没法接过来。"
            if not self.draft:
                raise Finish(told_gone)
            turn.say(told_gone)

    def hear_choice(self) -> bool:
        """The answer to the offer, pressed at any time or typed. Returns whether the message was one."""
        turn = self.turn
        offer = self.draft.get(_OFFER)
        chosen = turn.pressed.get("resume")
        if isinstance(chosen, str):
            self._chosen(chosen, turn.intent)
            return True
        if self.requested != ELSEWHERE or not offer:
            return False
        if YES.search(turn.text) or turn.is_intent("affirm") or re.match(r"接着|继续", turn.text):
            self._chosen(offer["conversation"], offer["task"])
        elif NO.search(turn.text) or wording.is_polite_no(turn.text) or turn.is_intent("deny"):
            self._chosen("", offer["task"])
        else:
            self.draft.pop(_OFFER)
            self.volunteer()
        return True

    def _chosen(self, conversation: str, task: str) -> None:
        self.draft.pop(_OFFER, None)
        if (
            conversation and self.turn.verified is None
        ):  # the proof lapsed meanwhile: he is asked again, then offered again
            self.draft[PROVE] = "resume"
            return
        if conversation:
            self.turn.effect("take_over", {"conversation": conversation, "task": task})
            raise Wait
        if not self.draft:
            raise Finish("好的，那份先放着，没有提交。有需要随时叫我。")
        self.turn.say("好的，那份先放着，我们接着填这一份。")

    def _offer(self, begun: Mapping[str, Any]) -> None:
        draft, task = begun["draft"], begun["task"]
        facts = "，".join(
            f"{label} {draft[key]}" for key, label in _FACTS if isinstance(draft.get(key), str) and draft[key]
        )
        self.draft[_OFFER] = {"conversation": begun["conversation"], "task": task}
        self.requested = ELSEWHERE
        self.turn.say(
            f"您在{_place(begun['channel'])}的{TASKS[task]}还没填完{f'（{facts}）' if facts else ''}，要接着填吗？",
            [command("接着填", task, resume=begun["conversation"]), Button("先不用", '/inform{"resume": ""}')],
        )
        raise Wait

    def wishes_to_keep(self) -> bool:
        """ "我换到微信接着填": it is kept for him once he proved who he is. Returns whether the message was that wish."""
        turn = self.turn
        if self.task not in CONTINUED or len(turn.text) > 40 or not _KEEP.search(turn.text):
            return False
        self.draft[PROVE] = "keep"
        return True

    # --- looking and noting -------------------------------------------------------------------------------------

    def look(self) -> None:
        """Once he proved who he is, does what he proved it for: what he began elsewhere is asked for, or this is kept."""
        if self.turn.verified is None:
            return
        wish = self.draft.pop(PROVE, None)
        if wish:
            self._drop_identification()
        if wish == "keep":
            self.turn.say(
                f"存好了。到别处发“接着上次的{TASKS[self.task]}”，验证同一个手机号，就能接着填；在这里继续也可以。"
            )
        if wish == "resume" and self.task in CONTINUED:
            self._looking = True
            self.turn.effect("elsewhere", {"task": self.task})

    def note(self) -> None:
        """Tells the hub how far an identified customer has come; what is being submitted is nobody else's to go on with."""
        if self.task not in CONTINUED or self.turn.verified is None:
            return
        own = {k: v for k, v in self.draft.items() if not k.startswith("id_") and k not in (_OFFER, PROVE, CHANGING)}
        begun = any(not n.name.startswith("id_") for n in self.answered) and "confirm" not in own
        self.turn.effect("begun", {"task": self.task, "draft": own if begun else None})


def _place(channel: str) -> str:
    return f"{_CHANNELS[channel]}上" if channel in _CHANNELS else "另一个窗口里"
