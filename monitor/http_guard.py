"""The network under `monitor.http`: whom we connect to, and until when. Only `monitor.http` uses it.

Names are resolved here, once for each connection, and the connection is made to the very address that was
checked: a name that answers differently the second time (DNS rebinding) gains nothing by it. See
docs/decisions/0004-private-addresses.md.
"""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from math import inf
from time import monotonic
from typing import Any

import httpcore
import httpx

Resolver = Callable[[str, int], Sequence[str]]

PUBLIC_ONLY = "heedful.public_only"  # the request extension that asks for the guarded pool

# What the network can do to a request. httpcore's errors have no common root.
FAULTS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)
# Of these, the ones after which no byte of the request can have left.
NEVER_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.UnsupportedProtocol)

_MAX_ADDRESSES = 6
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_TEREDO = IPv6Network("2001::/32")
_REFUSED_V4 = (
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT; Alibaba's metadata service lives there
    IPv4Network("192.0.0.0/24"),  # IETF assignments; Oracle's metadata service lives there
    IPv4Network("168.63.129.16/32"),  # Azure's host agent: a public address that is the machine's own
)


class AddressRefused(httpcore.ConnectError):
    """The name leads to an address that this request may not reach; no connection was made."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet (an IPv6 address that carries an IPv4 one: as that does)."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        carried = _carried(ip)
        if carried is None:
            return ip in _GLOBAL_UNICAST and ip.is_global and ip not in _TEREDO
        ip = carried
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _REFUSED_V4)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host as the system finds them, in the order in which to try them.

    It blocks for as long as the system's own resolver does; the deadline is looked at again afterwards.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


_deadline: ContextVar[float] = ContextVar("deadline", default=inf)


@contextmanager
def until(seconds: float) -> Iterator[None]:
    """Whatever this thread does on the network inside the block must be over within `seconds`, all in all."""
    token = _deadline.set(monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
    left = min(_deadline.get() - monotonic(), inf if timeout is None else timeout)
    if left <= 0:
        raise late("the deadline for the whole answer has passed")
    return left


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline: one byte now and then does not keep it alive."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Resolves, checks and connects, all three with the same addresses."""

    def __init__(self, resolver: Resolver, inner: httpcore.NetworkBackend, *, public_only: bool) -> None:
        self._resolve, self._inner, self._public_only = resolver, inner, public_only

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._addresses(host, port)
        ends_at = monotonic() + _left(timeout, httpcore.ConnectTimeout)
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("the name has no address")
        for n_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = max(ends_at - monotonic(), 0.001) / n_left  # a dead first address must not use up all the time
            try:
                return _Stream(self._inner.connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolve(host, port)[:_MAX_ADDRESSES]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name cannot be resolved: {error}") from None
        if self._public_only and not all(map(is_public, addresses)):
            raise AddressRefused("it leads to an address that is not on the open internet")
        return addresses


def redirect_target(base: httpx.URL, location: str) -> httpx.URL | None:
    """Where a redirect leads, without its credentials; None where that is nothing that we speak to."""
    try:
        target = base.join(location)
        if not location or target.scheme not in ("http", "https") or not target.host:
            return None
        return target.copy_with(userinfo=b"", fragment=None)
    except (httpx.InvalidURL, ValueError):
        return None


def is_home(target: httpx.URL, home: httpx.URL) -> bool:
    """Whether a redirect stays with the host that was asked: same port, or the usual step up from http to https."""
    if target.host != home.host:
        return False
    same = (target.scheme, target.port) == (home.scheme, home.port)
    return same or (home.scheme == "http" and home.port is None and target.scheme == "https" and target.port is None)


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class GuardedTransport(httpx.BaseTransport):
    """Two pools, so that a connection made for a trusted host is never reused by a request that must be guarded.

    Raises httpcore's own errors (`FAULTS`).
    """

    def __init__(self, *, resolver: Resolver, network: httpcore.NetworkBackend, tls: ssl.SSLContext) -> None:
        def pool(n_connections: int, *, public_only: bool) -> httpcore.ConnectionPool:
            return httpcore.ConnectionPool(
                ssl_context=tls,
                max_connections=n_connections,
                keepalive_expiry=15.0,
                network_backend=_Network(resolver, network, public_only=public_only),
            )

        self._trusted, self._guarded = pool(16, public_only=False), pool(4, public_only=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._guarded if request.extensions.get(PUBLIC_ONLY) else self._trusted
        url = request.url
        answer = pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        stream = answer.stream
        assert isinstance(stream, Iterable)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(stream))

    def close(self) -> None:
        self._trusted.close()
        self._guarded.close()
