"""What people say in a chat is done: by the same functions of the store as the command line and the page.

Only people who are known by their handle in that kind of chat are heard ([people.<id>.handles]). What was said is
remembered by its id, so that a chat that repeats itself, or somebody who replays it, does nothing twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.chat import HELP, Command, NotUnderstood, parse
from monitor.core.phrasing import counted, local_time
from monitor.core.telling import Person
from monitor.core.text import excerpt, printable
from monitor.errors import HeedfulError, NotFound
from monitor.flows import chat_shown
from monitor.flows.plan import Plan
from monitor.model import Alert, Flag, parse_id_prefix, show_id
from monitor.store import acts, alerts, chat_calls, steps
from monitor.store.engine import reading, writing

_log = log.get()

_SAYS = 480  # characters of what an alert says by itself
# It must not begin with our name, or a chat that hears itself would hear it as said to us.
STRANGER = "I do not know you yet: whoever set heedful up can add you to [people]."


@dataclass(frozen=True, slots=True)
class Call:
    """Something that was said: in which kind of chat, by whom (as that chat knows them), once under this id.

    `alert` is the id of the alert under whose message it was said or whose button was pressed, "" where that is none.
    """

    kind: str
    handle: str
    id: str
    text: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: plain text, untrusted parts in it. `is_done`: something was changed.

    `is_stranger`: it was said by somebody whom we do not know, who is best answered where nobody else sees it.
    """

    text: str
    is_done: bool = False
    is_stranger: bool = False


@dataclass(frozen=True, slots=True)
class Answerer:
    """Does what people say in chats; threads may share one."""

    engine: Engine
    plan: Callable[[], Plan]
    now: Callable[[], datetime]
    wake: Callable[[str], None]

    def answer(self, call: Call) -> Answer | None:
        """Do what was said and say what came of it; None for a repetition."""
        plan, now = self.plan(), self.now()
        person = known_person(plan, call.kind, call.handle)
        if person is None:
            _log.warning("chat.stranger", kind=call.kind)
            return Answer(STRANGER, is_stranger=True)
        verb, answer = self._answered(plan, person, call, now)
        if answer is None:
            _log.info("chat.repeated", kind=call.kind)
            return None
        _log.info("chat.answered", kind=call.kind, person=person.id, verb=verb, done=answer.is_done)
        if answer.is_done:
            for queue in ("threads", "alerts"):
                self.wake(queue)
        return replace(answer, text=printable(answer.text))

    def _answered(self, plan: Plan, person: Person, call: Call, now: datetime) -> tuple[str, Answer | None]:
        """The verb that was said ("" where none was understood), and the answer."""
        verb = ""
        try:
            command = parse(call.text, now, person.calendar.zone)
            verb, doing = command.verb, _Doing(plan, person, command, call, now)
            if verb in _CHANGING:
                with writing(self.engine) as connection:
                    return verb, _CHANGING[verb](connection, doing) if _is_first(connection, call, now) else None
            read = partial(_look, doing=doing)
        except HeedfulError as error:  # nothing was changed, and so it was not noted as heard either
            return verb, self._read(call, now, partial(_say, text=str(error)))
        return verb, self._read(call, now, read)

    def _read(self, call: Call, now: datetime, read: Callable[[Connection], Answer]) -> Answer | None:
        with writing(self.engine) as connection:
            if not _is_first(connection, call, now):
                return None
        try:
            with reading(self.engine) as connection:
                return read(connection)
        except HeedfulError as error:
            return Answer(str(error))


def _is_first(connection: Connection, call: Call, now: datetime) -> bool:
    return chat_calls.is_first(connection, f"{call.kind}:{call.id}", now)


def _look(connection: Connection, doing: "_Doing") -> Answer:
    return _READING[doing.command.verb](connection, doing)


def _say(_connection: Connection, text: str) -> Answer:
    return Answer(text)


def known_person(plan: Plan, kind: str, handle: str) -> Person | None:
    """Whose handle this is in this kind of chat."""
    return next((one for one in plan.people.values() if handle and one.handles.get(kind) == handle), None)


@dataclass(frozen=True, slots=True)
class _Doing:
    """One command on its way."""

    plan: Plan
    person: Person
    command: Command
    call: Call
    now: datetime

    @property
    def who(self) -> str:
        return self.person.name

    def zone(self, brand: str) -> str:
        known = self.plan.brands.get(brand)
        return known.timezone if known else "UTC"


def _alert(connection: Connection, doing: _Doing) -> Alert:
    """The alert that is meant.

    Raises: NotFound: there is none, or it is not clear which.
    """
    typed = doing.command.about or doing.call.alert
    if typed:
        key = acts.find(connection, "alert", typed)
        return alerts.load(connection, [key])[key]
    standing = alerts.listing(connection, None, ["open", "acknowledged"], 2)
    if len(standing) == 1:
        return standing[0]
    if not standing:
        raise NotFound("no alert is open")
    raise NotFound("which alert? Say its id too, as its message shows it")


def _open_alert(connection: Connection, doing: _Doing) -> Alert:
    alert = _alert(connection, doing)
    if alert.status == "resolved":
        raise NotFound(f"alert {show_id(alert.id)} is resolved already")
    return alert


def _flags(connection: Connection, alert: Alert) -> Sequence[Flag]:
    return alerts.flags_of(connection, alert.brand, [alert]).get(alert.id, [])


def _ack(connection: Connection, doing: _Doing) -> Answer:
    alert = _open_alert(connection, doing)
    alerts.acknowledge(connection, alert, doing.who, doing.now)
    return Answer(f"{doing.who} has alert {show_id(alert.id)}: nobody else is asked.", is_done=True)


def _snooze(connection: Connection, doing: _Doing) -> Answer:
    alert, until = _open_alert(connection, doing), doing.command.until
    if until is None:
        raise NotUnderstood("for how long? Say “snooze 2h” or “snooze tomorrow”")
    alerts.snooze(connection, alert, until, doing.now)
    says = f"Alert {show_id(alert.id)} rests until {local_time(until, doing.person.calendar.zone)}, by {doing.who}."
    return Answer(says, is_done=True)


def _assign(connection: Connection, doing: _Doing) -> Answer:
    alert = _open_alert(connection, doing)
    alerts.acknowledge(connection, alert, doing.who, doing.now)
    threads = dict.fromkeys(flag.thread_id for flag in _flags(connection, alert))
    for thread_id in threads:
        acts.assign(connection, alert.brand, thread_id, doing.who, doing.who, doing.now)
    n = counted(len(threads), "thread", "threads")
    return Answer(f"{doing.who} has alert {show_id(alert.id)} and its {n}.", is_done=True)


def _close(connection: Connection, doing: _Doing) -> Answer:
    alert = _open_alert(connection, doing)
    threads = dict.fromkeys(flag.thread_id for flag in _flags(connection, alert))
    for thread_id in threads:
        acts.close(connection, alert.brand, thread_id, doing.who, doing.now, "from chat")
    if not threads:  # an operator's alert is about none
        alerts.resolve(connection, alert, doing.now)
        return Answer(f"Alert {show_id(alert.id)} is closed by {doing.who}.", is_done=True)
    n = counted(len(threads), "thread", "threads")
    return Answer(f"{doing.who} closed {n} of alert {show_id(alert.id)}.", is_done=True)


def _wrong(connection: Connection, doing: _Doing) -> Answer:
    alert = _open_alert(connection, doing)
    flags = _flags(connection, alert)
    if not flags:
        raise NotFound(f"alert {show_id(alert.id)} is heedful's own: say “close” when it is mended")
    for flag in flags:
        acts.mark_flag(connection, alert.brand, flag.thread_id, flag.rule, doing.who, doing.now, is_wrong=True)
    n = counted(len(flags), "flag", "flags")
    return Answer(
        f"{n} of alert {show_id(alert.id)} called wrong by {doing.who}; heedful learns from it.", is_done=True
    )


def _take(connection: Connection, doing: _Doing) -> Answer:
    alert = _with_step(connection, doing)
    steps.take(connection, alert, doing.command.step, doing.who, doing.now)
    return Answer(f"{doing.who} takes step {doing.command.step} of alert {show_id(alert.id)}.", is_done=True)


def _done(connection: Connection, doing: _Doing) -> Answer:
    alert = _with_step(connection, doing)
    steps.finish(connection, alert, doing.command.step, doing.who, doing.now)
    return Answer(f"Step {doing.command.step} of alert {show_id(alert.id)} is done, says {doing.who}.", is_done=True)


def _with_step(connection: Connection, doing: _Doing) -> Alert:
    alert = _open_alert(connection, doing)
    playbook = doing.plan.playbooks.get(alert.playbook)
    n = len(playbook.steps) if playbook else 0
    if not 1 <= doing.command.step <= n:
        raise NotFound(f"the plan of alert {show_id(alert.id)} has {counted(n, 'step', 'steps')}")
    return alert


def _show(connection: Connection, doing: _Doing) -> Answer:
    typed = doing.command.about
    if typed and _names_thread(connection, typed):
        brand, thread_id = acts.find(connection, "thread", typed)
        return Answer("\n".join(chat_shown.thread(connection, brand, thread_id, doing.zone(brand))))
    alert = _alert(connection, doing)
    lines = [f"Alert {show_id(alert.id)}: {alert.rule}, {alert.severity.value}, {_standing(alert)}"]
    if alert.says:
        lines.append(excerpt(alert.says, _SAYS))
    for flag in _flags(connection, alert)[:1]:
        lines += chat_shown.thread(connection, alert.brand, flag.thread_id, doing.zone(alert.brand))
    return Answer("\n".join(lines))


def _names_thread(connection: Connection, typed: str) -> bool:
    first, last = parse_id_prefix(typed)
    if last < first:
        return False
    try:
        acts.find(connection, "alert", typed)
    except NotFound:
        return True
    return False


def _standing(alert: Alert) -> str:
    return f"{alert.acknowledged_by} has it" if alert.status == "acknowledged" else alert.status


def _backlog(connection: Connection, doing: _Doing) -> Answer:
    return Answer("\n".join(chat_shown.backlog(connection, tuple(doing.plan.brands), doing.now)))


def _help(_connection: Connection, doing: _Doing) -> Answer:  # noqa: ARG001
    return Answer(HELP)


Act = Callable[[Connection, _Doing], Answer]
_READING: dict[str, Act] = {"show": _show, "backlog": _backlog, "help": _help}
_CHANGING: dict[str, Act] = {
    "ack": _ack,
    "snooze": _snooze,
    "assign": _assign,
    "close": _close,
    "wrong": _wrong,
    "take": _take,
    "done": _done,
}
