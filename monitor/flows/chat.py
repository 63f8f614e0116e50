"""What people say in a chat is done: by the same functions of the store as the command line and the page.

Only people who are known by their handle in that kind of chat are heard ([people.<id>.handles]). What was said is
remembered by its id, so that a chat that repeats itself, or somebody who replays it, does nothing twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.chat import HELP, Command, NotUnderstood, parse
from monitor.core.phrasing import counted, local_time, waiting
from monitor.core.storage import shown_text
from monitor.core.telling import Person
from monitor.core.text import excerpt, printable
from monitor.errors import HeedfulError, NotFound
from monitor.flows.plan import Plan
from monitor.model import Alert, Flag, StoredComment, parse_id_prefix, show_id
from monitor.store import acts, alerts, backlog, chat_calls, steps
from monitor.store import comments as store
from monitor.store.engine import reading, writing

_log = log.get()

SHOWN_LINES = 10  # of a backlog or a thread
_EXCERPT = 160
PRIVATE = "(private message; read it there)"


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
    """What is answered: plain text, untrusted parts in it. `is_done`: something was changed."""

    text: str
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Answerer:
    """Does what people say in chats; threads may share one."""

    engine: Engine
    plan: Callable[[], Plan]
    now: Callable[[], datetime]
    wake: Callable[[str], None]

    def answer(self, call: Call) -> Answer | None:
        """Do what was said and say what came of it; None for somebody whom we do not know, and for a repetition."""
        plan, now = self.plan(), self.now()
        person = known_person(plan, call.kind, call.handle)
        if person is None:
            _log.warning("chat.stranger", kind=call.kind)
            return None
        try:
            command = parse(call.text, now, person.calendar.zone)
            answer = self._do(_Doing(plan, person, command, call, now))
        except NotUnderstood as error:
            return Answer(str(error))
        except HeedfulError as error:
            return Answer(printable(str(error)))
        if answer is None:
            _log.info("chat.repeated", kind=call.kind)
            return None
        _log.info("chat.answered", kind=call.kind, person=person.id, verb=command.verb, done=answer.is_done)
        if answer.is_done:
            for queue in ("threads", "alerts"):
                self.wake(queue)
        return answer

    def _do(self, doing: "_Doing") -> Answer | None:
        read = _READING.get(doing.command.verb)
        if read is not None:
            with reading(self.engine) as connection:
                return read(connection, doing)
        with writing(self.engine) as connection:
            if not chat_calls.is_first(connection, f"{doing.call.kind}:{doing.call.id}", doing.now):
                return None
            return _CHANGING[doing.command.verb](connection, doing)


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
    return Answer(f"{doing.who} has alert {show_id(alert.id)}: no more reminders.", is_done=True)


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
        return Answer("\n".join(_thread_lines(connection, doing, brand, thread_id)))
    alert = _alert(connection, doing)
    lines = [f"Alert {show_id(alert.id)}: {alert.rule}, {alert.severity.value}, {_standing(alert)}"]
    if alert.says:
        lines.append(excerpt(alert.says, 3 * _EXCERPT))
    for flag in _flags(connection, alert)[:1]:
        lines += _thread_lines(connection, doing, alert.brand, flag.thread_id)
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


def _thread_lines(connection: Connection, doing: _Doing, brand: str, thread_id: int) -> list[str]:
    comments = store.load_threads(connection, brand, [thread_id])[thread_id]
    ordered = sorted(comments, key=lambda it: (it.comment.created_at, it.id))
    link = next((it.comment.permalink for it in ordered if it.comment.permalink), "")
    lines = [f"Thread {show_id(thread_id)} {link}".rstrip()]
    if len(ordered) > SHOWN_LINES:
        lines.append(f"({len(ordered) - SHOWN_LINES} earlier)")
    return lines + [_comment_line(it, doing.zone(brand)) for it in ordered[-SHOWN_LINES:]]


def _comment_line(it: StoredComment, zone: str) -> str:
    said = PRIVATE if it.comment.is_private else excerpt(shown_text(it), _EXCERPT)
    gone = " (deleted)" if it.deleted_at else ""
    return f"{local_time(it.comment.created_at, zone)} · {excerpt(it.comment.author.name, 40)}{gone}: {said}"


def _backlog(connection: Connection, doing: _Doing) -> Answer:
    brands = tuple(doing.plan.brands)
    lines = backlog.page(connection, backlog.Filters(brands=brands), doing.now, SHOWN_LINES + 1)
    if not lines:
        return Answer("Nobody is waiting for an answer.")
    shown = [
        f"{line.shown_id[:8]} · {line.severity or 'no flag'} · waiting {waiting(doing.now - line.awaiting_since)} · "
        f"{excerpt(line.author_name, 40)} on {line.platform}"
        for line in lines[:SHOWN_LINES]
    ]
    more = ["and more: heedful backlog"] if len(lines) > SHOWN_LINES else []
    return Answer("\n".join(["Who waits, most urgent first:", *shown, *more]))


def _help(_connection: Connection, _doing: _Doing) -> Answer:
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
