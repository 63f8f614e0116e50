"""heedful digest: what it prints, for people and for programs; nothing is sent."""

from datetime import UTC, datetime, timedelta

from monitor.cli.root import COMMANDS
from monitor.core.telling import Hold
from monitor.model import Notice, Recipient, Severity, parse_id_prefix
from monitor.store import held, outbox
from monitor.store.engine import open_engine, writing
from tests.cli.shop import ANGRY, Shop

HOUR = timedelta(hours=1)


def hold_one(shop: Shop) -> None:
    """As the notifier does at night."""
    (alert,) = shop.lines("alerts")
    now = datetime.now(UTC)
    notice = Notice(
        id=7, brand="shop", brand_name="The Corner Shop", timezone="Europe/London", alert_id=alert["id"],
        reason="first", says="new", rule="angry", rule_title="Angry", severity=Severity.HIGH, created_at=now,
        threads=(), n_threads=1,
    )  # fmt: skip
    assert parse_id_prefix(alert["id"])[0]
    engine = open_engine(f"sqlite:///{shop.directory}/shop.db")
    with writing(engine) as connection:
        outbox.add(connection, [(notice, [])], now)
        held.hold(connection, [(notice, Hold(Recipient("console"), now + HOUR, "quiet hours"))], now)
    engine.dispose()


def test_the_morning_is_printed_for_every_brand(shop: Shop) -> None:
    shop.say(("kim", 3 * HOUR, ANGRY), ("lee", 2 * HOUR, "When do you open on Sundays?"))
    shop.run("poll", "--here")
    shown = shop.run("digest").stdout
    assert "shop · This morning" in shown
    assert "2 threads wait for an answer" in shown
    assert "Waiting longest" in shown
    assert "cafe · This morning\n0 threads wait for an answer" in shown
    (only,) = shop.lines("digest", "--brand", "shop")
    assert (only["brand"], only["kind"], only["title"]) == ("shop", "morning", "This morning")
    assert [section["heading"] for section in only["sections"]][:2] == ["Waiting longest", "By platform"]


def test_the_week_is_printed(shop: Shop) -> None:
    shop.say(("kim", 3 * HOUR, ANGRY))
    shop.run("poll", "--here")
    (week,) = shop.lines("digest", "weekly", "--brand", "shop")
    assert week["title"] == "The week"
    assert "1 comment, " in week["says"]


def test_what_is_held_is_printed_with_whom_it_is_for_and_stays_held(shop: Shop) -> None:
    assert shop.run("digest", "held").stdout == "Nothing is held.\n"
    shop.run("poll", "--here")  # from now on what comes is news
    shop.say(("kim", timedelta(0), ANGRY))
    shop.run("poll", "--here")
    hold_one(shop)
    for _ in range(2):
        (report,) = shop.lines("digest", "held")
        assert (report["channel"], report["title"]) == ("console", "1 message was held back")
    shown = shop.run("digest", "held").stdout
    assert "shop · 1 message was held back · for console" in shown
    assert "quiet hours (1)" in shown


def test_a_brand_that_is_not_there_is_named(shop: Shop) -> None:
    assert 'there is no brand "shpo"; did you mean "shop"?' in shop.run("digest", "-b", "shpo", code=2).output
    assert "digest" in COMMANDS
