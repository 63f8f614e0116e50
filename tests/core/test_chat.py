"""What people say in a chat is understood, and what is no command is answered kindly."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.chat import Command, NotUnderstood, addressed, parse

NOW = datetime(2026, 10, 24, 15, tzinfo=UTC)  # the clocks in Berlin go back in the night that follows
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ack", Command("ack")),
        ("  ACK  2babbbdrvkece ", Command("ack", "2babbbdrvkece")),
        ("on it", Command("ack")),
        ("take it", Command("ack")),
        ("mine #2bab", Command("ack", "2bab")),
        ("snooze", Command("snooze", until=NOW + timedelta(hours=1))),
        ("snooze 2h", Command("snooze", until=NOW + timedelta(hours=2))),
        ("snooze 2babbbdr for 1d", Command("snooze", "2babbbdr", NOW + timedelta(days=1))),
        ("later 30m", Command("snooze", until=NOW + timedelta(minutes=30))),
        ("assign to me", Command("assign")),
        ("assign 2bab to me", Command("assign", "2bab")),
        ("close 2bab", Command("close", "2bab")),
        ("Wrong flag", Command("wrong")),
        ("show the thread", Command("show")),
        ("take 3", Command("take", step=3)),
        ("done 2bab 4", Command("done", "2bab", step=4)),
        ("backlog", Command("backlog")),
        ("", Command("help")),
    ],
)
def test_each_command_is_understood(said: str, meant: Command) -> None:
    assert parse(said, NOW, BERLIN) == meant


def test_tomorrow_is_nine_in_the_morning_there_also_when_the_clocks_change() -> None:
    until = parse("snooze tomorrow", NOW, BERLIN).until
    assert until == datetime(2026, 10, 25, 9, tzinfo=BERLIN)
    assert until == datetime(2026, 10, 25, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("akc 2bab", "did you mean"),
        ("dance", "I do not know"),
        ("snooze forever", "is no duration"),
        ("snooze 90d", "up to 30 days"),
        ("done", "which step"),
        ("close the shop", "not “the shop”"),
    ],
)
def test_what_is_no_command_is_answered_with_what_would_be(said: str, hint: str) -> None:
    with pytest.raises(NotUnderstood, match=hint):
        parse(said, NOW, BERLIN)


def test_only_a_message_that_begins_with_our_name_is_meant_for_us() -> None:
    assert addressed("heedful ack 2bab") == "ack 2bab"
    assert addressed("@Heedful: backlog") == "backlog"
    assert addressed("!heedful") == ""
    assert addressed("I asked heedful to ack it") is None
    assert addressed("heedfully yours") is None


@given(st.text(max_size=400))
def test_any_text_is_a_command_or_is_answered(text: str) -> None:
    said, until = "", None
    try:
        until = parse(text, NOW, BERLIN).until
    except NotUnderstood as error:
        said = str(error)
    assert len(said) < 800
    assert until is None or NOW < until <= NOW + timedelta(days=30)
    addressed(text)
