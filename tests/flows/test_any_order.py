"""Whatever people do in whatever order: no alert is left that can neither repeat nor resolve, and no flag is lost."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from monitor.model import Silence, make_id
from monitor.store import acts, alerts, schema
from monitor.store.engine import open_engine, reading, writing
from tests.flows.brand import ANGRY
from tests.flows.test_notify import Office


def _each(office: Office, act: Callable[..., None], **more: object) -> None:
    with writing(office.engine) as connection:
        for alert in alerts.listing(connection, "bakery", ["open", "acknowledged"], 20):
            act(connection, alert, **more)


def _say(office: Office, number: int) -> None:
    at = f"{office.now.timestamp():.0f}-{len(office.platform.raws)}"
    office.platform.say(f"{number}-{at}", f"{ANGRY} {at}", office.now, who=f"person{number}", subject="post")


def _reply(office: Office, number: int) -> None:
    theirs = [raw["id"] for raw in office.platform.raws if raw["who"] == f"person{number}"]
    for name in theirs:
        office.platform.say(f"r{len(office.platform.raws)}", "So sorry.", office.now, who="bakery", parent=name)


def _close(office: Office) -> None:
    with writing(office.engine) as connection:
        acts.close(connection, "bakery", make_id("bakery", "tiny", "post"), "ana", office.now)


def _silence(office: Office, hours: int) -> None:
    silence = Silence(uuid4().int >> 66, "bakery", office.now, office.now + timedelta(hours=hours), "ana", "")
    with writing(office.engine) as connection:
        alerts.add_silence(connection, silence)


def _end_silences(office: Office) -> None:
    with writing(office.engine) as connection:
        for silence in alerts.load_silences(connection, office.now):
            alerts.end_silence(connection, silence.id, office.now)


ACTS: list[Callable[[Office], None]] = [
    lambda office: _say(office, 0),
    lambda office: [_say(office, number) for number in range(6)] and None,  # a crisis
    lambda office: _reply(office, 0),
    lambda office: [_reply(office, number) for number in range(6)] and None,
    _close,
    lambda office: _each(office, lambda c, alert: alerts.acknowledge(c, alert, "ana", office.now)),
    lambda office: _each(office, lambda c, alert: alerts.hand_back(c, alert, office.now)),
    lambda office: _each(office, lambda c, alert: alerts.snooze(c, alert, office.now + timedelta(hours=2), office.now)),
    lambda office: _silence(office, 1),
    lambda office: _silence(office, 30),
    _end_silences,
]
WAITS = [timedelta(minutes=1), timedelta(minutes=20), timedelta(hours=3), timedelta(days=2)]
STEPS = st.lists(st.tuples(st.integers(0, len(ACTS) - 1), st.sampled_from(WAITS)), min_size=1, max_size=8)


def _check(office: Office) -> None:
    with reading(office.engine) as connection:
        found = alerts.listing(connection, "bakery", ["open", "acknowledged", "resolved"], 50)
        due_at = dict(connection.execute(select(schema.alerts.c.id, schema.alerts.c.due_at)).all())  # type: ignore[arg-type]
        flags = connection.execute(select(schema.flags).where(schema.flags.c.cleared_at.is_(None))).all()
    for alert in found:
        assert alert.why, "what is not told says why"
        if alert.status == "open":
            assert due_at[alert.id] is not None, alert
        elif alert.status == "resolved" and due_at[alert.id] is None:
            assert not alert.told, "everybody who heard of it heard that it is over"
    unresolved = {alert.id for alert in found if alert.status != "resolved"}
    for flag in flags:
        assert flag.is_history or flag.alert_id in unresolved
    members = [name for alert in found for name in alert.members if not alert.says]
    assert len(members) == len(set(members))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS)
def test_no_sequence_of_acts_leaves_an_alert_that_can_neither_repeat_nor_resolve(
    tmp_path: Path, sqlite_template: bytes, steps: list[tuple[int, timedelta]]
) -> None:
    path = tmp_path / f"{uuid4().hex}.db"
    path.write_bytes(sqlite_template)
    engine = open_engine(f"sqlite:///{path}")
    try:
        office = Office(engine)
        office.later(minutes=1)
        office.platform.say("post", "Our new slogan!", office.now, who="bakery", kind="post")
        _say(office, 0)
        office.work()
        for act, wait in steps:
            ACTS[act](office)
            office.later(seconds=wait.total_seconds())
            for _ in range(3):
                office.work()
            _check(office)
        _end(office)
    finally:
        engine.dispose()
        path.unlink()


def _end(office: Office) -> None:
    """In the end everything is answered: then everything is over, and everybody who was told has heard so."""
    _end_silences(office)
    for number in range(6):
        _reply(office, number)
    _close(office)
    office.later(days=10)
    for _ in range(3):
        office.work()
    with reading(office.engine) as connection:
        left = alerts.listing(connection, "bakery", ["open", "acknowledged"], 20)
    assert [alert.rule for alert in left if alert.rule in ("angry", "pile-on")] == []
    _check(office)
