"""All HTTP goes through one client: each fault of a server becomes the right error, within time, memory and secrecy."""

import gzip
import logging
import os
import ssl
import subprocess
import sys
import threading
import traceback
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import Answer, HttpClient, retry_at
from tests import faults
from tests.faults import FAULTS, FaultServer, answer, json_answer, redirect

SECRET = "s3cr3t-t0ken"


ENDLESS = ("timeout", "slow drip", "slow drip of headers")
DRIP_S = 45  # the drips go on for at least as long


@pytest.fixture
def http() -> Iterator[HttpClient]:
    client = HttpClient()
    yield client
    client.close()


@pytest.fixture
def hasty() -> Iterator[HttpClient]:
    """For servers that never come to an end."""
    client = HttpClient(timeout=timedelta(seconds=0.4), deadline=timedelta(seconds=0.8))
    yield client
    client.close()


def error_of(http: HttpClient, url: str, method: str = "GET") -> RemoteError:
    """What reading JSON from this URL raises."""
    with pytest.raises(RemoteError) as caught:
        http.request(method, url, follow=True).json()
    return caught.value


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("429", RateLimited),
        ("401", Unauthorized),
        ("403", Unauthorized),
        ("404", Gone),
        ("410", Gone),
        ("500", Unavailable),
        ("503", Unavailable),
        ("reset", Unavailable),
        ("reset midway", Unavailable),
        ("timeout", Unavailable),
        ("slow drip", Unavailable),
        ("slow drip of headers", Unavailable),
        ("truncated JSON", Malformed),
        ("cut short", Unavailable),
        ("HTML", Malformed),
        ("huge body", Malformed),
        ("gzip bomb", Malformed),
        ("redirect to a private address", Unavailable),
        ("redirect loop", Unavailable),
    ],
)
def test_each_fault_of_a_server_is_the_error_that_says_what_to_do_next(
    http: HttpClient, hasty: HttpClient, fault: str, expected: type[RemoteError]
) -> None:
    with FaultServer(FAULTS[fault]) as server:
        error = error_of(hasty if fault in ENDLESS else http, server.url)
    assert type(error) is expected
    assert error.was_sent
    assert error.status == (int(fault) if fault.isdecimal() else error.status)
    assert "127.0.0.1" in str(error)


def test_every_fault_of_the_fault_server_is_tried_above() -> None:
    marks = test_each_fault_of_a_server_is_the_error_that_says_what_to_do_next.pytestmark  # type: ignore[attr-defined]
    assert {fault for fault, _ in marks[0].args[1]} == set(FAULTS)


@pytest.mark.parametrize("status", [400, 409, 418, 422])
def test_another_refusal_is_malformed_and_keeps_the_start_of_what_came(http: HttpClient, status: int) -> None:
    with FaultServer(answer(status, b"no: " + b"x" * 50_000)) as server:
        error = error_of(http, server.url)
    assert isinstance(error, Malformed)
    assert error.status == status
    assert error.payload.startswith("no: ")
    assert len(error.payload) == 20_000


@pytest.mark.parametrize(
    ("body", "named"), [(b"no_service", True), (b"secret 0a1b2c", False), (b"0a1b2c3d", False), (b"a_" * 90, False)]
)
def test_a_plain_error_word_is_shown_and_anything_freer_is_not(http: HttpClient, body: bytes, named: bool) -> None:
    with FaultServer(answer(404, body)) as server:
        assert (body.decode() in str(error_of(http, server.url))) is named


def test_an_error_status_counts_even_if_its_page_never_ends(hasty: HttpClient) -> None:
    def play(exchange: faults.Exchange) -> None:
        exchange.send(b"HTTP/1.1 404 Gone\r\ncontent-length: 9\r\n\r\nno")
        exchange.stopping.wait(60)

    with FaultServer(play) as server:
        assert isinstance(error_of(hasty, server.url), Gone)


def test_a_port_where_nobody_listens_was_never_sent_to(http: HttpClient) -> None:
    with FaultServer() as server:
        url = server.url
    error = error_of(http, url, "POST")
    assert isinstance(error, Unavailable)
    assert not error.was_sent
    assert "refused" in str(error)


def test_a_name_that_does_not_exist_was_never_sent_to(http: HttpClient) -> None:
    error = error_of(http, "http://nobody.invalid/")
    assert isinstance(error, Unavailable)
    assert not error.was_sent


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/x", "http://", "http://[::1", "http://a:99999999/"])
def test_what_is_not_a_web_address_is_an_error_of_ours(http: HttpClient, url: str) -> None:
    assert isinstance(error_of(http, url), Malformed | Unavailable)


@pytest.mark.parametrize("value", ["line\r\nx-more: 1", "\udcff", "nul\0"])
def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(http: HttpClient, value: str) -> None:
    with FaultServer(json_answer({})) as server, pytest.raises(RemoteError) as caught:
        http.get(server.url, headers={"authorization": f"{SECRET}{value}"})
    assert_silent(caught.value)


# --- limits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["slow drip", "slow drip of headers"])
def test_a_byte_now_and_then_does_not_outlive_the_deadline(fault: str) -> None:
    http = HttpClient(timeout=timedelta(seconds=20), deadline=timedelta(seconds=0.5))
    with FaultServer(FAULTS[fault]) as server:
        began = monotonic()
        assert isinstance(error_of(http, server.url), Unavailable)
        assert 0.4 < monotonic() - began < DRIP_S
    http.close()


def test_the_deadline_covers_all_redirects_together() -> None:
    def late(exchange: faults.Exchange) -> None:
        exchange.stopping.wait(0.3)
        redirect("/again")(exchange)

    http = HttpClient(timeout=timedelta(seconds=20), deadline=timedelta(seconds=0.5))
    with FaultServer(late) as server:
        assert "too slow" in str(error_of(http, server.url))
        assert len(server.seen) <= 2, "it went on after the deadline"
    http.close()


@pytest.mark.parametrize(
    "script",
    [
        faults.huge(52_428_800, announced=False),
        faults.huge(52_428_800, announced=True),
        faults.bomb(200),
        faults.bomb(200, "gzip, gzip"),
        answer(200, zlib.compress(bytes(200_000_000), 1), {"content-encoding": "deflate"}),
    ],
    ids=["huge", "huge and announced", "gzip bomb", "gzip bomb in gzip", "deflate bomb"],
)
def test_a_body_too_large_is_given_up_with_memory_bounded(script: faults.Script) -> None:
    http = HttpClient(max_body=1_000_000)
    with FaultServer(script) as server:
        tracemalloc.start()
        error = error_of(http, server.url)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    http.close()
    assert isinstance(error, Malformed)
    assert len(error.payload) <= 20_000
    assert peak < 8_000_000


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    http = HttpClient(max_body=1_000)
    with FaultServer(paths={"/fits": answer(200, b"x" * 1_000), "/not": answer(200, b"x" * 1_001)}) as server:
        assert len(http.get(f"{server.url}/fits").body) == 1_000
        with pytest.raises(Malformed, match="1,000"):
            http.get(f"{server.url}/not")
    http.close()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


BODY = b'{"text": "' + b"caf\xc3\xa9 " * 20_000 + b'"}'


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])),
        ("gzip", gzip.compress(BODY) + bytes(512)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("identity", BODY),
    ],
    ids=["gzip", "x-gzip", "two members", "padded", "deflate", "raw deflate", "identity"],
)
def test_a_compressed_answer_is_read_whole(http: HttpClient, encoding: str, packed: bytes) -> None:
    with FaultServer(answer(200, packed, {"content-encoding": encoding})) as server:
        assert http.get(server.url).body == BODY


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (faults.cut_gzip, Unavailable),
        (answer(200, b"not gzip", {"content-encoding": "gzip"}), Malformed),
        (answer(200, b"?", {"content-encoding": "br"}), Malformed),
        (answer(200, b"", {"content-encoding": "gzip"}), Malformed),  # empty is not JSON
        (answer(200, b"[" * 200_000), Malformed),
        (answer(200, b'{"n": ' + b"9" * 5_000 + b"}"), Malformed),
        (answer(200, b'{"n": NaN}'), Malformed),
        (answer(200, b'{"n": "\xff"}'), Malformed),
    ],
    ids=["cut", "not gzip", "brotli", "empty", "nested", "endless number", "NaN", "not UTF-8"],
)
def test_what_cannot_be_read_says_so(http: HttpClient, script: faults.Script, expected: type[RemoteError]) -> None:
    with FaultServer(script) as server:
        assert type(error_of(http, server.url)) is expected


# --- redirects --------------------------------------------------------------------------------------------------


def test_three_redirects_are_followed_and_the_fourth_is_not(http: HttpClient) -> None:
    paths = {f"/{n}": redirect(f"/{n - 1}") for n in range(1, 5)} | {"/0": json_answer("here")}
    with FaultServer(paths=paths) as server:
        assert http.get(f"{server.url}/3").json() == "here"
        assert http.get(f"{server.url}/3").url == f"{server.url}/0"
        assert "more than 3 times" in str(error_of(http, f"{server.url}/4"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_post_is_never_followed(http: HttpClient, status: int) -> None:
    with FaultServer(paths={"/hook": redirect("/elsewhere", status)}) as server:
        with pytest.raises(Unavailable) as caught:
            http.request("POST", f"{server.url}/hook", content=b"{}", follow=True)
        assert [exchange.path for exchange in server.seen] == ["/hook"]
    assert caught.value.status == status
    assert caught.value.was_sent


@pytest.mark.parametrize(
    "location", ["", "ftp://example.org/", "http://[", "javascript:1", "http://a:99999999/", "data:,x"]
)
def test_a_redirect_to_nowhere_is_unavailable(http: HttpClient, location: str) -> None:
    with FaultServer(redirect(location)) as server:
        assert isinstance(error_of(http, server.url), Unavailable)
        assert len(server.seen) == 1


def test_credentials_stay_with_the_host_that_they_were_meant_for(internet: "Internet") -> None:
    credentials = {
        "authorization": f"Bearer {SECRET}",
        "x-api-key": SECRET,
        "cookie": SECRET,
        "accept": "application/json",
    }
    there = internet.add("other.example", "203.0.114.8", json_answer(1))
    home = internet.add(
        "home.example",
        "203.0.114.7",
        FAULTS["404"],
        {"/a": redirect("/b"), "/b": redirect("http://user:pw@other.example/c?x=1")},
    )
    assert internet.http.get("http://home.example/a", headers=credentials).json() == 1
    assert [e.headers.get("x-api-key") for e in home.seen] == [SECRET, SECRET]
    assert there.seen[0].path == "/c?x=1"
    assert there.seen[0].headers["accept"] == "application/json"
    assert there.seen[0].headers["host"] == "other.example"
    assert not {"authorization", "cookie", "x-api-key"} & there.seen[0].headers.keys()
    assert SECRET not in str(there.seen[0].headers)


def test_credentials_in_a_url_become_a_header_and_leave_no_trace(http: HttpClient) -> None:
    with FaultServer(json_answer(1)) as server:
        found = http.get(server.url.replace("//", f"//kim:{SECRET}@"))
        assert server.seen[0].headers["authorization"].startswith("Basic ")
    assert SECRET not in found.url
    assert SECRET not in repr(found)


@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_page_that_shows_our_request_back_is_kept_without_its_credentials(http: HttpClient, status: int) -> None:
    def show_back(exchange: faults.Exchange) -> None:
        page = f"<html>You asked {exchange.path} with {exchange.headers} and page=3</html>"
        answer(status, page.encode(), {"content-type": "text/html"})(exchange)

    keys, asked = {"x-api-key": f"key-{SECRET}"}, {"access_token": f"query-{SECRET}", "page": "3"}
    with FaultServer(show_back) as server:
        url = server.url.replace("//", f"//kim:{SECRET}@")
        with pytest.raises(RemoteError) as caught:
            http.request("GET", url, params=asked, headers=keys).json()
    assert SECRET not in caught.value.payload
    assert server.seen[0].headers["authorization"].rpartition(" ")[2] not in caught.value.payload
    assert "page=3" in caught.value.payload


def test_a_cookie_of_one_answer_is_not_shown_by_the_next_request(http: HttpClient) -> None:
    with FaultServer(json_answer(1, headers={"set-cookie": "session=abc; Path=/"})) as server:
        http.get(server.url)
        http.get(server.url)
        assert "cookie" not in server.seen[1].headers


# --- addresses --------------------------------------------------------------------------------------------------


TLS = ssl.create_default_context()


class Internet:
    """A stand-in for DNS and the internet: names lead to addresses, and public addresses to servers on loopback."""

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.ports: dict[str, int] = {}
        self.servers: list[FaultServer] = []
        self.dialled: list[str] = []
        self.http = HttpClient(resolver=self.resolve, network=Dialler(self), tls=TLS)

    def add(
        self, name: str, address: str, script: faults.Script, paths: dict[str, faults.Script] | None = None
    ) -> FaultServer:
        server = FaultServer(script, paths)
        server.__enter__()
        self.servers.append(server)
        self.names[name], self.ports[address] = [address], server.port
        return server

    def resolve(self, host: str, port: int) -> list[str]:
        return self.names.get(host) or [host]

    def close(self) -> None:
        self.http.close()
        for server in self.servers:
            server.__exit__(None, None, None)


class Dialler(httpcore.SyncBackend):
    """Connects public addresses to loopback and notes every address that was dialled."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # type: ignore[no-untyped-def]
        self._internet.dialled.append(host)
        port = self._internet.ports.get(host, port)
        return super().connect_tcp("127.0.0.1", port, timeout, local_address, socket_options)


@pytest.fixture
def internet() -> Iterator[Internet]:
    net = Internet()
    yield net
    net.close()


PRIVATE = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00:ec2::254",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_redirect_never_reaches_a_private_address_by_name_or_number(internet: Internet, address: str) -> None:
    shown = f"[{address}]" if ":" in address else address
    internet.names["inside.example"] = [address]
    paths = {"/name": redirect("http://inside.example/"), "/number": redirect(f"http://{shown}/")}
    internet.add("shop.example", "203.0.114.7", FAULTS["404"], paths)
    for path in paths:
        with pytest.raises(Unavailable, match="not on the open internet"):
            internet.http.get(f"http://shop.example{path}")
    assert set(internet.dialled) == {"203.0.114.7"}


@pytest.mark.parametrize("address", ["8.8.8.8", "203.0.114.7", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_a_redirect_to_the_open_internet_is_followed(internet: Internet, address: str) -> None:
    internet.add("there.example", address, json_answer("there"))
    internet.add("shop.example", "203.0.114.99", redirect("http://there.example/"))
    assert internet.http.get("http://shop.example/").json() == "there"


@pytest.mark.parametrize("number", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1"])
def test_a_loopback_address_in_disguise_is_still_one(http: HttpClient, number: str) -> None:
    with (
        FaultServer(json_answer("inside")) as inside,
        FaultServer(redirect(f"http://{number}:{inside.port}/")) as server,
    ):
        assert isinstance(error_of(http, server.url), Unavailable)
        assert inside.n_connections == 0


def test_another_port_of_the_same_machine_is_another_host(http: HttpClient) -> None:
    with FaultServer(json_answer("inside")) as inside, FaultServer(redirect(f"{inside.url}/admin")) as server:
        assert isinstance(error_of(http, server.url), Unavailable)
        assert inside.n_connections == 0


def test_a_redirect_that_left_home_may_not_come_back_to_a_private_home(internet: Internet) -> None:
    internet.names["intranet.example"] = ["10.0.0.5"]
    internet.ports["10.0.0.5"] = internet.add(
        "x", "203.0.114.1", json_answer(1), {"/": redirect("http://away.example/")}
    ).port
    internet.add("away.example", "203.0.114.2", redirect("http://intranet.example/admin"))
    with pytest.raises(Unavailable, match="not on the open internet"):
        internet.http.get("http://intranet.example/")
    assert internet.dialled == ["10.0.0.5", "203.0.114.2"]


def test_a_url_from_a_comment_must_be_on_the_open_internet_from_the_start(http: HttpClient) -> None:
    with FaultServer(json_answer(1)) as server:
        with pytest.raises(Unavailable) as caught:
            http.request("GET", server.url, public_only=True)
        assert server.n_connections == 0
    assert not caught.value.was_sent


@given(
    st.lists(st.lists(st.sampled_from(["203.0.114.7", "203.0.114.8", *PRIVATE]), min_size=1, max_size=3), min_size=1)
)
def test_a_name_that_changes_its_mind_is_never_dialled_at_an_unchecked_address(answers: list[list[str]]) -> None:
    net = Internet()
    server = net.add("one.example", "203.0.114.7", answer(200))
    net.ports["203.0.114.8"] = server.port
    turns = iter(answers)
    net.http.close()
    net.http = HttpClient(resolver=lambda host, port: next(turns), network=Dialler(net), tls=TLS)
    for _ in answers:
        try:
            net.http.request("GET", "http://rebinding.example/", public_only=True)
        except Unavailable:
            continue
    net.close()
    assert not set(net.dialled) & set(PRIVATE)
    assert len(net.dialled) == sum(not set(found) & set(PRIVATE) for found in answers)


def test_a_connection_made_for_a_trusted_host_is_not_lent_to_an_untrusted_url() -> None:
    class Keeps(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "1")
            self.end_headers()
            self.wfile.write(b"1")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeps)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    url, http = f"http://127.0.0.1:{server.server_port}/", HttpClient()
    try:
        assert http.get(url).json() == 1
        with pytest.raises(Unavailable):
            http.request("GET", url, public_only=True)
        assert http.get(url).json() == 1
    finally:
        http.close()
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_next_address_is_tried_when_the_first_is_dead() -> None:
    with FaultServer(json_answer("alive")) as server:
        http = HttpClient(resolver=lambda host, port: ["127.0.0.2", "::1", "127.0.0.1"])
        assert http.get(f"http://shop.example:{server.port}/").json() == "alive"
        http.close()


def test_a_step_up_to_https_at_home_is_trusted_and_a_step_down_is_refused(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=shop.example"]
    try:
        subprocess.run([*command, "-addext", "subjectAltName=DNS:shop.example"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl command to make a certificate with")

    class Plain(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("location", "http://shop.example/plain")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()

    net = Internet()
    net.http.close()

    class ByPort(Dialler):
        def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):  # type: ignore[no-untyped-def]
            target = server.server_port if port == 443 else net.ports[host]
            return httpcore.SyncBackend().connect_tcp("127.0.0.1", target, timeout, local_address, socket_options)

    net.http = HttpClient(resolver=net.resolve, network=ByPort(net), tls=ssl.create_default_context(cafile=str(cert)))
    net.add("shop.example", "10.0.0.9", redirect("https://shop.example/secure"))
    try:
        with pytest.raises(Unavailable, match="from https to http"):
            net.http.get("http://shop.example/")
        net.names["wrong.example"] = ["10.0.0.9"]
        with pytest.raises(Unavailable, match="certificate") as caught:
            net.http.get("https://wrong.example/")  # the certificate is checked against the name, not the address
        assert not caught.value.was_sent
    finally:
        net.close()
        server.shutdown()
        thread.join()
        server.server_close()


# --- secrets and surroundings -----------------------------------------------------------------------------------


def assert_silent(error: BaseException) -> None:
    """Nothing of the secret is in the error, in what it was raised from, or in its printed trace."""
    seen: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is not None and current not in seen:
            seen.append(current)
            pending += [current.__cause__, current.__context__]
    assert len(seen) == 1
    for text in (str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))):
        assert SECRET not in text


@pytest.mark.parametrize("fault", [*FAULTS, "refused"])
def test_no_secret_is_in_any_error(
    http: HttpClient, hasty: HttpClient, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultServer(FAULTS.get(fault, FAULTS["404"])) as server:
        url = server.url
        if fault == "refused":
            url = "http://127.0.0.1:1"
        with pytest.raises(RemoteError) as caught:
            (hasty if fault in ENDLESS else http).request(
                "GET",
                f"{url.replace('//', f'//kim:{SECRET}@')}/hooks/{SECRET}?key={SECRET}",
                params={"token": SECRET},
                headers={"authorization": SECRET},
                follow=True,
                secret_path=True,
            ).json()
    assert_silent(caught.value)
    assert SECRET not in caplog.text


def test_an_answer_does_not_show_its_secrets(http: HttpClient) -> None:
    with FaultServer(answer(200, b"ok", {"x-token": SECRET})) as server:
        found = http.request("POST", f"{server.url}/{SECRET}", content=b"", secret_path=True)
    assert SECRET not in repr(found)


def test_an_answer_built_by_hand_shows_its_host_and_path() -> None:
    with pytest.raises(Malformed, match=r"shop\.example/feed answered 200"):
        Answer(200, {}, b"<html>", f"https://shop.example/feed?key={SECRET}").json()


def test_a_proxy_named_in_the_environment_is_ignored() -> None:
    with FaultServer(json_answer("straight")) as server, FaultServer(json_answer("by proxy")) as proxy:
        names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
        script = f"from monitor.http import HttpClient; print(HttpClient().get({server.url!r}).json())"
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **dict.fromkeys(names, proxy.url)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.strip() == "straight", done.stderr
        assert proxy.n_connections == 0


def test_many_threads_share_one_client() -> None:
    http, found = HttpClient(), []
    with FaultServer(json_answer(1)) as server:
        threads = [threading.Thread(target=lambda: found.append(http.get(server.url).json())) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    http.close()
    assert found == [1] * 40


# --- Retry-After ------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", NOW + timedelta(minutes=2)),
        (" 0 ", NOW),
        ("1.5", NOW + timedelta(seconds=1.5)),
        ("999999999999999999999999999", NOW + timedelta(hours=24)),
        ("Sat, 21 Nov 2026 13:00:00 GMT", NOW + timedelta(hours=1)),
        ("Sat, 21 Nov 2026 14:00:00 +0100", NOW + timedelta(hours=1)),
        ("Sat, 21 Nov 2020 13:00:00 GMT", NOW),
        ("Sat, 21 Nov 2099 13:00:00 GMT", NOW + timedelta(hours=24)),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("Mon, 99 Foo 99999 99:99:99 GMT", None),
        ("Sat, 01 Jan 0001 00:00:00 +2300", NOW),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date_and_clamped(value: str, expected: datetime | None) -> None:
    assert retry_at({"retry-after": value}, NOW) == expected


@given(st.text(max_size=60))
def test_any_retry_after_is_nothing_or_within_a_day(value: str) -> None:
    at = retry_at({"retry-after": value}, NOW)
    assert at is None or NOW <= at <= NOW + timedelta(hours=24)


@pytest.mark.parametrize("status", [429, 420, 503])
def test_the_time_asked_for_travels_with_the_error(http: HttpClient, status: int) -> None:
    with FaultServer(answer(status, headers={"retry-after": "120"})) as server:
        error = error_of(http, server.url)
    assert error.retry_at is not None
    assert timedelta(seconds=100) < error.retry_at - datetime.now(UTC) <= timedelta(seconds=120)
