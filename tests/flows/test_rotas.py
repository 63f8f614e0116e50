"""Calendars of who is on call: fetched over real HTTP, kept while that fails, and told once when it fails for long."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy.engine import Engine

from monitor.core.rota import Rota
from monitor.flows.rotas import RotaFetcher
from monitor.http import HttpClient
from monitor.store import alerts, rotas
from monitor.store.engine import reading
from tests.flows.test_notify import CALENDAR, Office

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Calendars(BaseHTTPRequestHandler):
    """Answers whatever the test wants at a secret path."""

    answer = (200, CALENDAR)

    def do_GET(self) -> None:
        status, body = type(self).answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Calendars)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Calendars.answer = (200, CALENDAR)
    yield f"http://127.0.0.1:{server.server_port}/private-3f9c2a/basic.ics"
    server.shutdown()
    server.server_close()


@pytest.fixture
def office(engine: Engine) -> Office:
    office = Office(engine)
    office.change_plan(rotas={"support": Rota(is_calendar=True)})
    return office


def _fetch(office: Office, url: str) -> bool:
    http = HttpClient()
    try:
        fetcher = RotaFetcher(office.engine, lambda: office.plan, http, office.clock)
        return fetcher.fetch_all({"support": url}, "bakery")
    finally:
        http.close()


def _kept(office: Office) -> tuple[str, str]:
    with reading(office.engine) as connection:
        return rotas.load(connection).get("support", ""), rotas.states(connection)["support"][1]


def _operators(office: Office) -> list[str]:
    with reading(office.engine) as connection:
        return [each.says for each in alerts.listing(connection, "bakery", ["open"], 9) if each.rule == "operator"]


def test_a_calendar_is_kept_with_when_it_was_read(office: Office, url: str) -> None:
    assert not _fetch(office, url)
    assert _kept(office) == (CALENDAR, "")
    with reading(office.engine) as connection:
        assert rotas.states(connection) == {"support": (office.now, "")}


@pytest.mark.parametrize(
    "answer", [(500, "down"), (404, "gone"), (200, "<html>Log in</html>"), (200, ""), (200, "BEGIN:VCALENDAR")]
)
def test_what_we_have_stays_while_the_calendar_cannot_be_read(
    office: Office, url: str, answer: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    _fetch(office, url)
    Calendars.answer = answer
    office.later(hours=1)
    assert not _fetch(office, url)
    calendar, error = _kept(office)
    assert calendar == CALENDAR
    assert error
    said = capsys.readouterr()
    assert "private-3f9c2a" not in f"{error}{said.out}{said.err}"
    assert _operators(office) == []


def test_the_operator_hears_once_of_a_calendar_that_cannot_be_read_for_a_day_and_of_its_return(
    office: Office, url: str
) -> None:
    _fetch(office, url)
    Calendars.answer = (500, "down")
    told = []
    for _ in range(30):
        office.later(hours=1)
        told.append(_fetch(office, url))
    assert told.count(True) == 1
    assert told.index(True) == 23
    [says] = _operators(office)
    assert says.startswith('The calendar of the rota "support" has not been read for a day: ')
    assert "private-3f9c2a" not in says
    Calendars.answer = (200, CALENDAR)
    assert _fetch(office, url)
    assert _operators(office) == []


def test_a_calendar_that_was_never_read_is_told_at_once(office: Office, url: str) -> None:
    Calendars.answer = (401, "no")
    assert _fetch(office, url)
    assert not _fetch(office, url)
    assert "was never read" in _operators(office)[0]


def test_a_rota_fetched_so_says_who_is_told(office: Office, url: str) -> None:
    _fetch(office, url)
    office.now = NOON - timedelta(hours=1)
    office.get_angry()
    office.after(minutes=15)
    assert office.heard() == {"slack": ["first"], "ana": ["escalated"]}
