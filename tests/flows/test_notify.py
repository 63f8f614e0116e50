"""Notifying: who is told of an alert, who after them, who of its end, and what is written where nobody is."""

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from monitor.core.alerts import Timings
from monitor.core.calendar import Calendar
from monitor.core.rota import Rota
from monitor.core.routing import Route, Step
from monitor.core.telling import Person
from monitor.model import Alert, Silence, make_id, show_id
from monitor.store import acts, alerts, rotas
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, Bakery, Recorder

ALWAYS = Calendar("Europe/London", None)
LADDER = (
    Step(timedelta(minutes=15), on_call=("support",)),
    Step(timedelta(hours=1), people=("ana",)),
)


class Office(Bakery):
    """A bakery with people, a rota and a ladder beside its two rooms."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ana, self.ben = Recorder(), Recorder()
        self.change_plan(
            channels={"slack": self.slack, "groupme": self.groupme, "ana-sms": self.ana, "ben-sms": self.ben},
            people={
                "ana": Person("ana", "Ana", ("ana-sms",), ALWAYS, email="ana@bakery.example"),
                "ben": Person("ben", "Ben", ("ben-sms",), ALWAYS),
            },
            rotas={"support": Rota(("ben",))},
            ladders={"up": LADDER},
            routes=(Route(("slack",), ladder="up"),),
        )

    def heard(self) -> dict[str, list[str]]:
        """The reasons of what each has been told about the rule angry."""
        places = {"slack": self.slack, "groupme": self.groupme, "ana": self.ana, "ben": self.ben}
        told = {name: [n.reason for n in each.sent if n.rule == "angry"] for name, each in places.items()}
        return {name: reasons for name, reasons in told.items() if reasons}

    def alert(self, rule: str = "angry") -> Alert:
        with reading(self.engine) as connection:
            found = alerts.listing(connection, "bakery", ["open", "acknowledged", "resolved"], 10)
        return next(alert for alert in found if alert.rule == rule)

    def get_angry(self, name: str = "1", **fields: str) -> None:
        self.platform.say(name, ANGRY, self.now, **fields)
        self.work()

    def after(self, **duration: float) -> None:
        self.later(**duration)
        self.work()


@pytest.fixture
def office(engine: Engine) -> Office:
    office = Office(engine)
    office.later(minutes=1)
    return office


def _take_on(office: Office, who: str) -> None:
    with writing(office.engine) as connection:
        alerts.acknowledge(connection, office.alert(), who, office.now)
    office.work()


def test_what_nobody_takes_on_climbs_its_ladder_and_its_end_reaches_everybody_who_was_told(office: Office) -> None:
    office.get_angry()
    office.after(minutes=14)
    assert office.heard() == {"slack": ["first"]}
    office.after(minutes=1)
    assert office.heard() == {"slack": ["first"], "ben": ["escalated"]}
    office.after(minutes=45)
    assert office.heard() == {"slack": ["first"], "ben": ["escalated"], "ana": ["escalated"]}
    office.after(hours=3)
    assert office.heard()["ben"] == ["escalated", "repeat"], "who has been asked is reminded too"
    office.later(minutes=1)
    office.platform.say("2", "We are so sorry, Kim.", office.now, who="bakery", parent="1")
    office.work()
    assert [each[-1] for each in office.heard().values()] == ["resolved"] * 3
    assert office.alert().why == "resolved, and that was told"


def test_who_takes_it_on_hears_of_news_and_nobody_else_but_the_room(office: Office) -> None:
    office.change_plan(routes=(Route(("slack",), people=("ben",), ladder="up"),))
    office.platform.say("post", "Our new rolls!", office.now, who="bakery", kind="post")
    office.get_angry("1", subject="post")
    _take_on(office, "ana")
    assert office.alert().why.endswith("still open, and ana has it: 1 thread")
    office.after(hours=6)
    assert office.heard() == {"slack": ["first"], "ben": ["first"]}
    office.platform.say("2", f"{ANGRY} Again!", office.now, who="lou", parent="1", subject="post")
    office.after(minutes=6)
    before = office.heard()
    assert set(before) <= {"slack", "ben", "ana"}
    assert before["ben"] == ["first"]


def test_what_comes_back_after_its_end_is_the_same_alert_again(office: Office) -> None:
    office.get_angry()
    first = office.alert()
    office.later(minutes=5)
    office.platform.say("2", "We are so sorry, Kim.", office.now, who="bakery", parent="1")
    office.work()
    assert office.alert().status == "resolved"
    office.later(hours=2)
    office.platform.say("3", f"{ANGRY} You said sorry and did NOTHING!", office.now, parent="1")
    office.work()
    again = office.alert()
    assert (again.id, again.status, again.n_reopened, again.resolved_at) == (first.id, "open", 1, None)
    assert office.heard() == {"slack": ["first", "resolved", "reopened"]}
    assert office.slack.sent[-1].says == "it has come up again, 2 h after it was last told: 1 thread"
    office.after(minutes=15)
    assert office.heard()["ben"] == ["escalated"], "its ladder begins anew"


def test_what_is_silenced_is_never_sent_and_says_by_whom(office: Office) -> None:
    with writing(office.engine) as connection:
        ends_at = office.now + timedelta(hours=1)
        alerts.add_silence(connection, Silence(1, "bakery", office.now, ends_at, "ana", "we know"))
    office.get_angry()
    assert office.heard() == {}
    assert office.alert().why == "silenced until 2026-03-02 11:01:00 UTC by ana: we know"
    office.after(minutes=30)
    office.platform.say("2", "We are so sorry, Kim.", office.now, who="bakery", parent="1")
    office.work()
    office.after(hours=3)
    assert office.heard() == {}
    assert office.alert().why == "resolved before anyone was told"


def test_a_silence_that_is_ended_early_lets_the_ladder_count_from_there(office: Office) -> None:
    office.get_angry()
    silence = Silence(1, "bakery", office.now, office.now + timedelta(days=2), "ana", "")
    with writing(office.engine) as connection:
        alerts.add_silence(connection, silence)
    office.after(minutes=16)
    assert office.alert().unowned_since == silence.ends_at
    with writing(office.engine) as connection:
        assert alerts.end_silence(connection, 1, office.now)
    office.work()
    office.after(minutes=15)
    assert office.heard() == {"slack": ["first"], "ben": ["escalated"]}


def test_a_snooze_ends_with_a_reminder_and_the_ladder_counts_from_there(office: Office) -> None:
    office.get_angry()
    with writing(office.engine) as connection:
        alerts.snooze(connection, office.alert(), office.now + timedelta(hours=2), office.now)
    office.after(hours=1)
    assert office.heard() == {"slack": ["first"]}
    assert office.alert().why.startswith("snoozed until") or office.alert().why.startswith("not before")
    office.after(hours=1)
    assert office.heard() == {"slack": ["first", "repeat"]}
    office.after(minutes=15)
    assert office.heard()["ben"] == ["escalated"]


def test_what_is_handed_back_is_everybodys_again(office: Office) -> None:
    office.get_angry()
    _take_on(office, "ana")
    office.after(days=1)
    with writing(office.engine) as connection:
        alerts.hand_back(connection, office.alert(), office.now)
    office.work()
    assert office.alert().status == "open"
    office.after(minutes=15)
    assert "escalated" in office.heard()["ben"]


def _crisis(office: Office) -> None:
    """Six angry people under one post."""
    for n in range(6):
        office.platform.say(f"c{n}", f"{ANGRY} {n}", office.now, who=f"person{n}", subject="post")
    office.work()


def test_a_crisis_under_a_post_holds_back_the_single_alerts_there_and_counts_them(office: Office) -> None:
    office.change_plan(timings=Timings(group_wait=timedelta(seconds=30)))
    office.platform.say("post", "Our new slogan!", office.now, who="bakery", kind="post")
    office.platform.say("else", ANGRY, office.now, who="kim")
    _crisis(office)
    office.after(seconds=31)
    told = [(n.rule, n.reason) for n in office.slack.sent]
    assert sorted(told) == [("angry", "first"), ("pile-on", "first")], "and the one angry person elsewhere"
    assert office.slack.sent[[rule for rule, _ in told].index("angry")].threads[0].author_name == "Kim"
    crisis = office.alert("pile-on")
    room = next(n for n in office.slack.sent if n.rule == "pile-on")
    assert room.says == "new: 1 thread; counts 1 single alert under it"
    assert (room.n_threads, room.n_people) == (7, 6)
    with reading(office.engine) as connection:
        held = [a for a in alerts.listing(connection, "bakery", ["open"], 20) if not a.n_told]
    assert [a.why for a in held] == [f"held back: the crisis {show_id(crisis.id)} counts it and tells of it"]
    office.after(hours=2)
    assert [n.rule for n in office.slack.sent].count("angry") == 1


def test_what_a_crisis_held_back_is_told_when_it_is_over(office: Office) -> None:
    office.platform.say("post", "Our new slogan!", office.now, who="bakery", kind="post")
    office.platform.say("ask", "Do you have rye bread on Sundays?", office.now, subject="post")
    _crisis(office)
    office.after(hours=5)
    assert office.alert("unanswered").why.startswith("held back: the crisis ")
    with writing(office.engine) as connection:
        acts.close(connection, "bakery", make_id("bakery", "tiny", "post"), "ana", office.now)
    office.work()
    assert office.alert("pile-on").status == "resolved"
    office.work()
    told = {(n.rule, n.reason) for n in office.slack.sent}
    assert told >= {("pile-on", "resolved"), ("unanswered", "first"), ("angry", "first")}


def test_a_route_by_language_is_taken_by_what_its_comments_are_written_in(office: Office) -> None:
    office.change_plan(routes=(Route(people=("ben",), language=("de",)), Route(("slack",))))
    office.platform.say("1", "Das ist eine absolute FRECHHEIT, nie wieder, ihr solltet euch schämen!!!", office.now)
    office.platform.say("2", ANGRY, office.now, who="lou")
    office.work()
    assert [n.threads[0].author_name for n in office.ben.sent if n.rule == "angry"] == ["Kim"]
    assert [n.threads[0].author_name for n in office.slack.sent if n.rule == "angry"] == ["Lou"]


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//bakery//rota//EN
BEGIN:VEVENT
UID:1@bakery.example
DTSTAMP:20260301T000000Z
DTSTART:20260302T090000Z
DTEND:20260302T120000Z
SUMMARY:On call
ATTENDEE:mailto:Ana@bakery.example
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_says_who_is_on_call_and_where_it_names_nobody_every_room_hears(office: Office) -> None:
    office.change_plan(rotas={"support": Rota(is_calendar=True)}, routes=(Route(on_call=("support",)),))
    office.get_angry("1")
    assert office.heard() == {"slack": ["first"], "groupme": ["first"]}, "it was never fetched"
    with writing(office.engine) as connection:
        rotas.keep(connection, "support", CALENDAR, office.now)
    office.later(minutes=1)
    office.get_angry("2", who="lou")
    assert office.heard()["ana"] == ["first"]
    office.later(hours=2)
    office.get_angry("3", who="max")
    assert office.heard() == {"slack": ["first", "first"], "groupme": ["first", "first"], "ana": ["first"]}
