import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import log

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_time_in_utc(stream: io.StringIO) -> None:
    log.start("auto", stream)
    log.get(source="shop").info("source.polled", new=3, took_ms=412)
    (line,) = lines(stream)
    assert line["event"] == "source.polled"
    assert (line["source"], line["new"], line["took_ms"], line["level"]) == ("shop", 3, 412, "info")
    assert str(line["timestamp"]).endswith("Z")


def test_the_console_style_is_plain_words_without_colour_when_nobody_is_at_a_terminal(stream: io.StringIO) -> None:
    log.start("console", stream)
    log.get().warning("source.lost", source="shop", reason="shop.example answered 503")
    assert "source.lost" in stream.getvalue()
    assert "shop.example answered 503" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    "key", ["token", "access_token", "webhook_url", "password", "client_secret", "api_key", "Authorization", "bot_id"]
)
def test_a_secret_is_recognised_by_its_name(stream: io.StringIO, key: str) -> None:
    log.start("json", stream)
    log.get().info("channel.checked", **{key: "hunter2"}, inner={key: ["hunter2"]})
    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0][key] == log.SECRET


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://heedful:hunter22@db.example/heedful",
        "https://shop.example/api?access_token=hunter22&page=2",
        "https://hooks.slack.com/services/T000/B000/hunter22",
        "Authorization: Bearer hunter22hunter22",
        "xoxb-000-hunter22",
        "whsec_hunter22hunter22",
    ],
)
def test_a_secret_is_recognised_by_its_form_wherever_it_stands(stream: io.StringIO, text: str) -> None:
    log.start("json", stream)
    log.get().info("source.lost", reason=f"no answer from {text}")
    log.get().info(f"no answer from {text}")
    logging.getLogger("library").warning("no answer from %s", text)
    assert "hunter22" not in stream.getvalue()
    assert len(lines(stream)) == 3


def test_a_traceback_keeps_its_lines_and_loses_its_secrets(stream: io.StringIO) -> None:
    log.start("json", stream)
    try:
        raise RuntimeError("https://jane:hunter22@shop.example/")
    except RuntimeError:
        log.get().exception("queue.failed", queue="sources")
    (line,) = lines(stream)
    assert "RuntimeError" in str(line["exception"])
    assert "hunter22" not in stream.getvalue()


@pytest.mark.parametrize("key", ["text", "comment", "excerpt", "body", "payload"])
def test_what_people_wrote_is_never_logged(stream: io.StringIO, key: str) -> None:
    log.start("json", stream)
    log.get().info("comment.quarantined", **{key: "my order never came"})
    assert "never came" not in stream.getvalue()


def test_a_count_whose_name_sounds_secret_is_still_a_count(stream: io.StringIO) -> None:
    log.start("json", stream)
    log.get().info("source.polled", new=3, comment=2, unchanged=96)
    assert lines(stream)[0]["comment"] == 2


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_platform_cannot_steer_the_terminal_or_forge_a_line(stream: io.StringIO, style: str) -> None:
    log.start(style, stream)
    log.get().info("source.lost", reason="\x1b[2J\nevent=all.good\u202e")
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
    assert "\u202e" not in stream.getvalue()


def test_libraries_are_heard_from_warnings_on(stream: io.StringIO) -> None:
    log.start("json", stream)
    logging.getLogger("httpx").info("HTTP Request: GET https://shop.example/secret/path")
    logging.getLogger("apscheduler").warning("missed by 3 s")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("missed by 3 s", "apscheduler", "warning")


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.integers() | st.none(), max_size=5))
def test_any_fields_make_one_readable_line(fields: dict[str, object]) -> None:
    event = log.redact(None, "info", {"event": "source.polled", **{f"f_{key}": value for key, value in fields.items()}})
    assert json.loads(json.dumps(event, default=str))["event"] == "source.polled"


def test_an_outage_is_said_once_when_it_begins_and_once_when_it_ends() -> None:
    outages = log.Outages()
    assert outages.back("database", NOW) is None
    assert [outages.lost("database", NOW + timedelta(seconds=n)) for n in range(3)] == [True, False, False]
    assert outages.lost("clock", NOW)
    assert outages.back("database", NOW + timedelta(seconds=90)) == {"n_failures": 3, "lost_s": 90.0}
    assert outages.back("database", NOW) is None
    assert outages.lost("database", NOW)
