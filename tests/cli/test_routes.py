"""heedful routes: the tree as it is read, and who would be told at a time, tried through the command line."""

from datetime import timedelta

from tests.cli.shop import ANGRY, Shop

ROUTES = """
[channels.jane-phone]
kind = "console"
[people.jane]
channels = ["jane-phone"]
timezone = "Europe/London"
hours = { mon-fri = "08:00-18:00" }
[rotas.support]
people = ["jane"]
[ladders.up]
steps = [{ after = "15m", on_call = ["support"] }]
[[routes]]
channels = ["console"]
ladder = "up"
[[routes.routes]]
severity = "crisis"
people = ["jane"]
[[routes.routes]]
rule = "low-review"
people = ["jane"]
"""


def _with_routes(shop: Shop) -> Shop:
    shop.config.write_text(shop.config.read_text() + ROUTES)
    return shop


def test_the_tree_is_shown_with_its_ladders_and_who_is_on_call(shop: Shop) -> None:
    assert _with_routes(shop).run("routes").output.splitlines() == [
        "everything -> console, ladder up",
        "  at least crisis -> jane",
        "  rule low-review -> jane",
        "",
        "ladder up",
        "  after 15m: on call in support",
        "",
        "rota support: jane",
    ]
    assert shop.run("routes", "list").output == shop.run("routes").output


def test_without_routes_that_is_said(shop: Shop) -> None:
    assert "every alert goes to every channel" in shop.run("routes").output
    assert "No route matches" in shop.run("routes", "test").output


def test_a_test_says_who_would_be_told_when_and_why(shop: Shop) -> None:
    lines = _with_routes(shop).run("routes", "test", "--rule", "low-review", "--at", "2026-12-24 22:00").output
    for line in (
        "An alert of shop, low-review, high:",
        "  -----    at least crisis -> jane: severity is high, less than crisis",
        "  taken    rule low-review -> jane: it matches",
        "Thu 24 Dec 2026, 22:00 GMT: first told",
        "  jane-phone (jane): held until Fri 25 Dec 2026, 08:00 GMT (outside the hours of jane)",
        "Fri 25 Dec 2026, 08:15 GMT: step 1 of the ladder",
        "  jane-phone (jane): at once",
        "Fri 25 Dec 2026, 02:00 GMT: reminder",
    ):
        assert line in lines.splitlines(), line


def test_a_test_can_be_read_by_a_program(shop: Shop) -> None:
    [found] = _with_routes(shop).lines("routes", "test", "--severity", "crisis", "--at", "2026-12-24 22:00")
    assert [route["is_taken"] for route in found["routes"]] == [False, True, False]
    assert found["ladder"] == "up"
    first, step = found["told"][:2]
    assert (first["reason"], first["now"], first["held"]) == (
        "first",
        [{"channel": "jane-phone", "person": "jane"}],
        [],
    )
    assert (step["reason"], step["at"]) == ("escalated", "2026-12-24T22:15:00+00:00")


def test_a_stored_alert_is_tested_with_how_it_stands(shop: Shop) -> None:
    shop.run("poll", "--here")  # what was there before is history
    shop.say(("lou", timedelta(0), ANGRY))
    _with_routes(shop).run("poll", "--here")
    [alert] = shop.lines("alerts")
    shown = shop.run("routes", "test", alert["id"][:6]).output
    assert "An alert of shop, file, angry, medium:" in shown
    assert "taken  everything -> console, ladder up: it matches" in shown
    assert "As it is: open; not before " in shown
    assert "Now: not before " in shop.run("alerts", alert["id"]).output
    assert 'there is no alert "zzzz"' in shop.run("routes", "test", "zzzz", code=2).output


def test_what_was_taken_on_can_be_handed_back(shop: Shop) -> None:
    shop.run("poll", "--here")
    shop.say(("lou", timedelta(0), ANGRY))
    shop.run("poll", "--here")
    [alert] = shop.lines("alerts")
    shop.run("ack", alert["id"])
    assert "handed back" in shop.run("ack", alert["id"], "--back").output
    [alert] = shop.lines("alerts")
    assert (alert["status"], alert["acknowledged_by"]) == ("open", "")


def test_what_is_mistyped_is_refused_with_the_nearest(shop: Shop) -> None:
    assert 'did you mean "angry"?' in shop.run("routes", "test", "--rule", "angryy", code=2).output
    assert 'did you mean "shop"?' in shop.run("routes", "test", "--brand", "shopp", code=2).output
    assert 'write one like "2026-12-24 22:00"' in shop.run("routes", "test", "--at", "tonight", code=2).output
