"""A faulty host in front of a healthy fake platform: it passes requests on until it is told to fail."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpcore

from tests.faults import Exchange, FaultServer, Script, answer

NAME, ADDRESS = "social.example", "203.0.114.7"  # what the connector believes to read: a host on the open internet


class Front(FaultServer):
    """Passes everything on to `behind`, unless `fault` is set."""

    def __init__(self, behind: str) -> None:
        super().__init__(self._play)
        self._behind = urlsplit(behind).netloc
        self.fault: Script | None = None

    def _play(self, exchange: Exchange) -> None:
        (self.fault or self._pass_on)(exchange)

    def _pass_on(self, exchange: Exchange) -> None:
        connection = HTTPConnection(self._behind, timeout=30)
        kept = {name: value for name, value in exchange.headers.items() if name not in ("host", "accept-encoding")}
        connection.request(exchange.method, exchange.path, exchange.body or None, kept)
        response = connection.getresponse()
        body = response.read()
        names = ("content-type", "link", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
        headers = {name: value for name in names if (value := response.getheader(name)) is not None}
        connection.close()
        answer(response.status, body, headers)(exchange)

    def resolve(self, host: str, port: int) -> list[str]:
        """Stands in for DNS."""
        return [ADDRESS] if host == NAME else [host]


class Internet(httpcore.SyncBackend):
    """Stands in for the internet: the public address leads to the front, private ones are noted."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front
        self.dialled: list[str] = []

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: object, **options: object
    ) -> httpcore.NetworkStream:
        self.dialled.append(host)
        assert host == ADDRESS, f"dialled {host}"
        return super().connect_tcp("127.0.0.1", self._front.port, timeout)


def echo(exchange: Exchange) -> None:
    """An error page of a careless host: it shows the request with all that was in it."""
    shown = "<br>".join(f"{name}: {value}" for name, value in exchange.headers.items())
    answer(200, f"<!doctype html>Sign in. You sent:<br>{shown}".encode(), {"content-type": "text/html"})(exchange)
