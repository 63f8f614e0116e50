"""The web application over real HTTP and raw sockets: limits, slow senders, unknown paths, bare errors, a clean end."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from monitor.errors import ConfigError
from monitor.web import server as serving
from monitor.web.inbound import MAX_BODY, Door, Inbound, RawBody, Refused
from monitor.web.server import WebServer
from tests.web.house import House, open_house

LET_GO = threading.Event()


def open_door(inbound: Inbound) -> Door:
    """A door that says how long the body is, one that refuses, one that breaks and one that takes its time."""
    router = APIRouter(tags=["try"])

    @router.post("/try/length")
    def length(body: RawBody) -> Response:
        inbound.tally.accepted("try")
        return PlainTextResponse(str(len(body)))

    @router.post("/try/refused")
    def refused() -> Response:
        raise Refused("try", "word")

    @router.get("/try/broken")
    def broken(n: int = 0) -> Response:
        raise RuntimeError(f"the secret is {n}")

    @router.get("/try/slow")
    def slow() -> Response:
        LET_GO.wait(10)
        return PlainTextResponse("done")

    return Door(router)


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    with open_house(tmp_path, [open_door], sqlite_url) as house:
        yield house


def said(house: House, sent: bytes, *, until: float = 15) -> bytes:
    """What comes back for these bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", house.server.port), timeout=until) as connection:
        connection.sendall(sent)
        answer = b""
        try:
            while chunk := connection.recv(65_536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def is_open(connection: socket.socket) -> bool:
    """Whether the other side holds this connection still, which takes half a second to learn."""
    try:
        while connection.recv(65_536):
            pass  # answers to what came before
    except TimeoutError:
        return True
    except OSError:
        pass
    return False


def test_every_answer_has_the_headers_and_none_says_what_serves_it(house: House) -> None:
    for answer in (house.client.post("/try/length", content=b"abc"), house.client.get("/elsewhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/redoc", "/openapi.json", "/try/length/", "/push", "/../../etc/passwd"]
)
def test_what_is_not_a_door_is_not_there(house: House, path: str) -> None:
    answer = house.client.get(path)
    assert (answer.status_code, answer.text) == (404, "Not Found\n")


def test_another_method_is_refused_without_details(house: House) -> None:
    answer = house.client.get("/try/length")
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed\n")


def test_a_parameter_that_cannot_be_read_is_refused_without_details(house: House) -> None:
    answer = house.client.get("/try/broken", params={"n": "<script>"})
    assert (answer.status_code, answer.text) == (400, "Bad Request\n")


def test_what_breaks_in_us_is_a_bare_500_and_the_next_request_is_answered(house: House) -> None:
    answer = house.client.get("/try/broken")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error\n")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert house.client.post("/try/length", content=b"abc").text == "3"


def test_a_refusal_says_nothing_but_its_status_and_is_counted(house: House) -> None:
    answer = house.client.post("/try/refused")
    assert (answer.status_code, answer.text) == (403, "Forbidden\n")
    assert house.counted("try", "refused_word") == 1


def test_a_body_of_a_mebibyte_is_taken_and_one_byte_more_is_not(house: House) -> None:
    assert house.client.post("/try/length", content=b"x" * MAX_BODY).text == str(MAX_BODY)
    assert house.counted("try", "accepted") == 1
    head = f"POST /try/length HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n".encode()
    assert said(house, head).startswith(b"HTTP/1.1 413 ")
    assert house.counted("try", "refused_too_long") == 1


def test_a_body_that_does_not_say_its_length_is_cut_off_at_the_limit(house: House) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    with suppress(httpx.WriteError, httpx.ReadError):  # the connection may be closed while we still write
        assert house.client.post("/try/length", content=endless()).status_code == 413
    assert house.counted("try", "refused_too_long") == 1


@pytest.mark.parametrize("length", ["9" * 400, "-1", "1e3", "\u0663", ""])
def test_a_length_that_is_none_is_refused(house: House, length: str) -> None:
    head = f"POST /try/length HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nab".encode()
    assert said(house, head).split(b" ", 2)[1] in (b"400", b"413")


def test_a_compressed_body_is_refused(house: House) -> None:
    answer = house.client.post("/try/length", content=b"abc", headers={"content-encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 5, b"GET /\xff HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_answered_once_and_closed(house: House, sent: bytes) -> None:
    assert said(house, sent).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_is_refused(house: House) -> None:
    assert said(house, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5_000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET / HT",
        b"POST /try/length HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
        b"POST /try/length HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n!POST /try/length HTTP/1.1\r\nHost: a\r\n"
        b"Content-Length: 1000\r\n\r\n",
    ],
)
def test_who_sends_a_byte_now_and_then_is_cut_off_in_time_and_others_are_served(house: House, start: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", house.server.port), timeout=0.5) as connection:
        connection.sendall(start)
        while time.monotonic() - began < 20 and is_open(connection):
            with suppress(OSError):
                connection.sendall(b"x" if start else b"")
    assert time.monotonic() - began < serving.REQUEST_TIME + 3
    assert house.client.post("/try/length", content=b"abc").text == "3"


def test_a_port_that_is_taken_stops_the_start_and_is_named(house: House) -> None:
    with pytest.raises(ConfigError, match=r"heedful\.toml: web\.port: 127\.0\.0\.1:\d+ cannot be listened on"):
        WebServer(_Same(house))


class _Same:
    """A daemon whose configuration names the port that another listens on."""

    def __init__(self, house: House) -> None:
        self.app = house.app
        settings = house.app.settings
        assert settings.web.port == house.server.port

    def wake(self, queue: str) -> None:
        """Nobody is woken."""


def test_what_is_at_hand_is_finished_before_the_end(house: House) -> None:
    LET_GO.clear()
    answers: list[str] = []
    url = f"http://127.0.0.1:{house.server.port}/try/slow"
    asking = threading.Thread(target=lambda: answers.append(httpx.get(url, timeout=15).text))
    asking.start()
    time.sleep(0.3)
    ending = threading.Thread(target=house.server.stop)
    ending.start()
    time.sleep(0.3)
    LET_GO.set()
    asking.join(10)
    ending.join(10)
    assert answers == ["done"]
    assert not ending.is_alive()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
