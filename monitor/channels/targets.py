"""The addresses of chat targets: what is accepted in a configuration, and never shown by it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from monitor.http import Answer, HttpClient

_LOCAL = ("127.0.0.1", "localhost", "::1")


def check_url(url: str, *, plain_http: bool = False) -> None:
    """Refuse what is not an https URL; http only for this machine, or where the operator says so.

    Raises: ValueError, without the URL in it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or url != url.strip():
        raise ValueError("must be a complete address, beginning with https://")
    if parts.scheme == "http" and host not in _LOCAL and not plain_http:
        raise ValueError("must begin with https://, because the address or what is sent to it is a secret")


def secret_url(url: SecretStr) -> SecretStr:
    """A validator for settings whose URL is itself the secret."""
    check_url(url.get_secret_value())
    return url


def post(
    http: HttpClient, url: str, body: bytes, headers: Mapping[str, Any] | None = None, *, public_only: bool = False
) -> Answer:
    """Post JSON to a chat target; no error names more of it than its host.

    Raises: as `HttpClient.request`.
    """
    sent = {"content-type": "application/json; charset=utf-8", **(headers or {})}
    return http.request("POST", url, headers=sent, content=body, secret_path=True, public_only=public_only)
