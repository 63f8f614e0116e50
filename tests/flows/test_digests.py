"""Held overnight and told in the morning: the flows of a brand whose rooms sleep, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from monitor.core.calendar import Calendar
from monitor.core.digests import Schedule, times
from monitor.core.routing import Route
from monitor.core.telling import Cap, Person, Quiet
from monitor.flows import digests as flow
from monitor.flows.prune import Keep, prune
from monitor.model import Notice, Recipient, Severity
from monitor.store import alerts, digests, due, held, schema
from monitor.store.engine import reading, writing
from tests.flows.brand import ANGRY, START, Bakery

ANGRY_TITLE, UNANSWERED_TITLE = "An angry customer", "Waiting for an answer"
NIGHT = {day: ((time(22), time(7)),) for day in range(7)}
LONDON = "Europe/London"
EVENING = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # the clock is put forward in the night that follows
MORNING = datetime(2026, 3, 29, 6, tzinfo=UTC)  # 07:00 of that day
JANE = Person("jane", "Jane", ("groupme",), Calendar(LONDON, {day: ((time(9), time(17)),) for day in range(5)}))


@pytest.fixture
def bakery(engine: Engine) -> Bakery:
    made = Bakery(engine)
    brand = replace(made.plan.brands["bakery"], quiet=Quiet((Calendar(LONDON, NIGHT),)))
    made.change_plan(brands={"bakery": brand})
    return made


def tell_digests(bakery: Bakery) -> None:
    while flow.tell_due(bakery.engine, bakery.plan, bakery.clock, bakery.woken.append):
        pass
    bakery.deliver()


def work(bakery: Bakery) -> None:
    bakery.work()
    tell_digests(bakery)


def complain(bakery: Bakery, number: int) -> None:
    bakery.platform.say(f"c{number}", f"{ANGRY} {number}", bakery.now, who=f"kim{number}")


def sleep_until(bakery: Bakery, at: datetime, step: timedelta = timedelta(minutes=10)) -> None:
    while bakery.now < at:
        bakery.now = min(at, bakery.now + step)
        work(bakery)


def n_waiting(bakery: Bakery) -> int:
    with reading(bakery.engine) as connection:
        rows = connection.execute(select(schema.held.c.released_at)).scalars()
        return sum(at is None for at in rows)


def lines(notice: Notice, heading: str) -> list[str]:
    return [line.text for section in notice.sections if section.heading.startswith(heading) for line in section.lines]


def test_a_night_of_thirty_notices_is_one_digest_at_seven_on_the_day_of_the_clock_change(bakery: Bakery):
    bakery.now = EVENING
    for number in range(30):
        bakery.later(minutes=10)
        complain(bakery, number)
        work(bakery)
    n = n_waiting(bakery)
    assert n >= 30
    assert bakery.slack.sent == []
    sleep_until(bakery, MORNING - timedelta(seconds=1), timedelta(hours=1))
    assert bakery.slack.sent == []
    sleep_until(bakery, MORNING)
    (digest,) = bakery.slack.sent
    assert (digest.reason, digest.alert_id) == ("digest", "")
    assert digest.rule_title == f"{n_held(bakery)} messages were held back"
    assert "since Sat 28 Mar 2026, 22:40 GMT" in digest.says
    assert "quiet hours" in digest.says
    assert n_waiting(bakery) == 0
    tell_digests(bakery)
    bakery.later(minutes=1)
    tell_digests(bakery)
    assert len(bakery.slack.sent) == 1


def n_held(bakery: Bakery) -> int:
    with reading(bakery.engine) as connection:
        return len(connection.execute(select(schema.held.c.id)).all())


def test_what_was_over_by_morning_is_told_as_over_and_not_again(bakery: Bakery):
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    bakery.platform.say("r1", "We are sorry and have refunded you.", EVENING, who="bakery", parent="c1")
    bakery.later(minutes=30)
    complain(bakery, 2)
    work(bakery)
    sleep_until(bakery, MORNING, timedelta(hours=1))
    (digest,) = bakery.slack.sent
    assert [line.split(" · ")[1] for line in lines(digest, "Still open")] == [ANGRY_TITLE, UNANSWERED_TITLE]
    assert [line.split(" · ")[0] for line in lines(digest, "Over meanwhile")] == [ANGRY_TITLE]
    assert "https://p.example/c2" in [line.link for section in digest.sections for line in section.lines]
    bakery.later(minutes=5)
    work(bakery)
    assert len(bakery.slack.sent) == 1


def test_whoever_had_it_in_a_digest_is_told_when_it_is_over(bakery: Bakery):
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    sleep_until(bakery, MORNING, timedelta(hours=1))
    bakery.platform.say("r1", "We are sorry and have refunded you.", bakery.now, who="bakery", parent="c1")
    bakery.later(minutes=5)
    work(bakery)
    assert [notice.reason for notice in bakery.slack.sent] == ["digest", "resolved", "resolved"]


def test_by_day_nothing_is_held(bakery: Bakery):
    complain(bakery, 1)
    work(bakery)
    assert [notice.reason for notice in bakery.slack.sent] == ["first"]
    assert n_held(bakery) == 0


def test_a_person_and_a_room_each_have_their_own_digest_in_their_own_hours(bakery: Bakery):
    routes = (Route(channels=("slack",), people=("jane",)),)
    bakery.change_plan(people={"jane": JANE}, routes=routes)
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    sleep_until(bakery, MORNING, timedelta(hours=1))
    assert len(bakery.slack.sent) == 1
    assert bakery.groupme.sent == []
    sleep_until(bakery, datetime(2026, 3, 30, 8, tzinfo=UTC), timedelta(hours=1))  # Monday, 09:00 there
    digests_of_jane = [notice for notice in bakery.groupme.sent if notice.reason == "digest"]
    assert len(digests_of_jane) == 1
    assert "outside the hours of Jane" in digests_of_jane[0].says
    assert "BST" in digests_of_jane[0].says or "GMT" in digests_of_jane[0].says


def test_the_overflow_of_an_hour_is_one_digest_of_the_next(bakery: Bakery):
    bakery.change_plan(caps={"slack": Cap(per_hour=3)})
    for number in range(8):
        bakery.later(minutes=2)
        complain(bakery, number)
        work(bakery)
    assert [notice.reason for notice in bakery.slack.sent] == ["first"] * 3
    sleep_until(bakery, START + timedelta(hours=1))
    assert [notice.reason for notice in bakery.slack.sent] == ["first"] * 3 + ["digest"]
    assert "more than 3 in an hour" in bakery.slack.sent[-1].says


def test_a_daemon_that_was_down_in_the_morning_tells_once_late_and_says_so(bakery: Bakery):
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    bakery.now = MORNING + timedelta(hours=5)
    work(bakery)
    (digest,) = [notice for notice in bakery.slack.sent if notice.reason == "digest"]
    assert digest.says.startswith("late, it was due Sun 29 Mar 2026, 07:00 BST; since ")


def test_what_is_held_while_a_digest_is_made_is_not_lost(bakery: Bakery):
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    bakery.now = MORNING
    with writing(bakery.engine) as connection:
        (claimed,) = due.claim(connection, "digests", bakery.now, timedelta(minutes=2), 10)
        digests.make_due(connection, {claimed.key: bakery.now})  # somebody holds something meanwhile
    with pytest.raises(Exception, match="claim"):
        flow.tell(bakery.engine, bakery.plan, claimed, MORNING, bakery.now)
    assert n_waiting(bakery) == 1
    assert bakery.slack.sent == []
    tell_digests(bakery)
    assert len(bakery.slack.sent) == 1
    assert n_waiting(bakery) == 0


def test_a_digest_goes_to_another_room_when_its_own_is_no_longer_configured(bakery: Bakery):
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    bakery.change_plan(channels={"groupme": bakery.groupme}, routes=())
    sleep_until(bakery, MORNING, timedelta(hours=1))
    assert [notice.reason for notice in bakery.groupme.sent] == ["digest"] * 2  # the room's, and its own


def scheduled(bakery: Bakery, kind: str = "morning", days: tuple[int, ...] = (0, 1, 2, 3, 4)) -> None:
    schedule = Schedule(kind, "bakery", Recipient("slack"), times(LONDON, days, time(8, 30), "2026-03-05"), "desk")  # type: ignore[arg-type]
    key = "bakery", digests.make_id(kind, schedule.recipient, "desk")
    bakery.change_plan(digests={key: schedule})
    sync(bakery)


def sync(bakery: Bakery) -> None:
    with writing(bakery.engine) as connection:
        flow.sync(connection, bakery.plan, bakery.now)


def test_the_morning_says_who_waits_and_what_has_changed(bakery: Bakery):
    brand = replace(bakery.plan.brands["bakery"], answer_within=timedelta(hours=2))
    bakery.change_plan(brands={"bakery": brand})
    scheduled(bakery)  # Monday, after 08:30
    complain(bakery, 1)
    complain(bakery, 2)
    work(bakery)
    bakery.later(hours=1)
    bakery.platform.say("r1", "We are sorry and have refunded you.", bakery.now, who="bakery", parent="c1")
    work(bakery)
    bakery.now = datetime(2026, 3, 3, 8, 29, tzinfo=UTC)
    work(bakery)
    assert "digest" not in [notice.reason for notice in bakery.slack.sent]
    bakery.later(minutes=1)
    work(bakery)
    digest = bakery.slack.sent[-1]
    assert (digest.reason, digest.rule_title) == ("digest", "This morning")
    assert digest.says.startswith("1 thread waits for an answer")
    assert "1 longer than promised" in digest.says
    assert lines(digest, "By platform") == ["tiny: 1"]
    assert lines(digest, "Waiting longest")[0].startswith("22 h · tiny · 1 comment")
    assert lines(digest, "Since")[0] == "1 thread has begun to wait · 1 answer went out"
    assert "100% within the 2 h promised" in lines(digest, "Since")[1]


def test_a_holiday_has_no_morning_and_a_missed_one_is_told_once_and_late(bakery: Bakery):
    scheduled(bakery)
    for day in (3, 4, 5, 6):  # the fifth is a holiday
        bakery.now = datetime(2026, 3, day, 8, 30, 5, tzinfo=UTC)
        tell_digests(bakery)
        sync(bakery)
    assert [notice.created_at.day for notice in bakery.slack.sent] == [3, 4, 6]
    bakery.now = datetime(2026, 3, 11, 12, tzinfo=UTC)  # down since Friday
    sync(bakery)
    tell_digests(bakery)
    tell_digests(bakery)
    assert [notice.created_at.day for notice in bakery.slack.sent] == [3, 4, 6, 11]
    assert bakery.slack.sent[-1].says.startswith("late, it was due Wed 11 Mar 2026, 08:30 GMT; ")
    assert not bakery.slack.sent[-2].says.startswith("late")


def test_what_is_no_longer_configured_is_not_told(bakery: Bakery):
    scheduled(bakery)
    bakery.change_plan(digests={})
    sync(bakery)
    bakery.now = datetime(2026, 3, 3, 9, tzinfo=UTC)
    tell_digests(bakery)
    assert bakery.slack.sent == []


def test_the_week_counts_answers_flags_and_what_people_said_of_them(bakery: Bakery):
    scheduled(bakery, "weekly", (0,))
    for number in range(3):
        complain(bakery, number)
    work(bakery)
    bakery.later(hours=3)
    bakery.platform.say("r1", "We are sorry and have refunded you.", bakery.now, who="bakery", parent="c1")
    work(bakery)
    bakery.now = datetime(2026, 3, 9, 8, 30, tzinfo=UTC)
    work(bakery)
    digest = next(notice for notice in bakery.slack.sent if notice.reason == "digest")
    assert digest.rule_title == "The week"
    assert "3 comments" in digest.says
    assert "1 answer: half of them within 3 h" in lines(digest, "Answers")[0]
    assert lines(digest, "Flags by rule")
    assert "messages told at once" in lines(digest, "Alerts")[0]
    assert lines(digest, "Busiest")[0].startswith("1 comment · tiny · thread ")


def test_a_spent_budget_puts_a_morning_off_to_the_next_hour(bakery: Bakery):
    scheduled(bakery)
    bakery.change_plan(caps={"slack": Cap(per_hour=2)})
    bakery.now = datetime(2026, 3, 3, 8, 20, tzinfo=UTC)
    complain(bakery, 1)
    complain(bakery, 2)
    work(bakery)
    n = len(bakery.slack.sent)
    assert n == 2
    sleep_until(bakery, datetime(2026, 3, 3, 8, 59, tzinfo=UTC))
    assert len(bakery.slack.sent) == n
    sleep_until(bakery, datetime(2026, 3, 3, 9, tzinfo=UTC))
    assert bakery.slack.sent[-1].rule_title == "This morning"


def test_severe_alerts_come_through_the_night(bakery: Bakery):
    bakery.change_plan(passes=Severity.HIGH)
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    with reading(bakery.engine) as connection:
        severities = {alert.severity for alert in alerts.listing(connection, None, ["open"], 10)}
        waiting = held.load(connection, "bakery", Recipient("slack"))
    told = {notice.severity for notice in bakery.slack.sent}
    assert all(severity.rank <= Severity.HIGH.rank for severity in told)
    assert severities - told == {s for s in severities if s.rank > Severity.HIGH.rank}
    assert bool(waiting) == bool(severities - told)


def test_one_digest_that_cannot_be_made_keeps_no_other_back(bakery: Bakery):
    scheduled(bakery)
    broken = replace(next(iter(bakery.plan.digests.values())), kind="weekly", recipient=Recipient("groupme"))
    key = "bakery", digests.make_id("weekly", broken.recipient, "broken")
    # A time zone that is not there stands for any fault of ours.
    bakery.change_plan(
        people={"jane": JANE},
        digests={**bakery.plan.digests, key: replace(broken, recipient=Recipient("groupme", "x"))},
    )
    brand = replace(bakery.plan.brands["bakery"], timezone="Nowhere/Land")
    sync(bakery)
    good = bakery.plan
    bakery.change_plan(brands={"bakery": brand})
    bakery.now = datetime(2026, 3, 3, 8, 31, tzinfo=UTC)
    tell_digests(bakery)
    assert bakery.slack.sent == bakery.groupme.sent == []
    bakery.plan = good
    bakery.later(minutes=3)
    tell_digests(bakery)
    assert len(bakery.slack.sent) == len(bakery.groupme.sent) == 1


def test_what_was_told_in_a_digest_is_forgotten_after_ninety_days_and_what_waits_is_not(bakery: Bakery):
    bakery.now = EVENING
    complain(bakery, 1)
    work(bakery)
    bakery.later(days=100, hours=9)
    prune(bakery.engine, bakery.plan, Keep(), bakery.now)
    assert n_waiting(bakery) == n_held(bakery) == 1
    tell_digests(bakery)
    (digest,) = bakery.slack.sent
    assert digest.rule_title == "1 message was held back"
    bakery.later(days=89)
    prune(bakery.engine, bakery.plan, Keep(), bakery.now)
    assert n_held(bakery) == 1
    bakery.later(days=2)
    prune(bakery.engine, bakery.plan, Keep(), bakery.now)
    assert n_held(bakery) == 0
