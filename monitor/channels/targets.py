"""The addresses of chat targets, accepted in a configuration and never shown by it; what targets answer."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from monitor.errors import RateLimited, RemoteError
from monitor.http import Answer, HttpClient

SHORTEST_SECRET = 16
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


def answer_object(answer: Answer) -> Mapping[str, Any]:
    """The JSON object that a target answered with, or an empty one where it answered anything else."""
    return _object(answer.body)


def refusal_object(error: RemoteError) -> Mapping[str, Any]:
    """The same of a refusal."""
    return _object(error.payload.encode("utf-8", "replace"))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def seconds(value: object) -> timedelta | None:
    """A number of seconds as a target writes it, at most a day; None where it is none."""
    try:
        number = float(value) if isinstance(value, int | float | str) else -1.0
    except (ValueError, OverflowError):
        return None
    return timedelta(seconds=min(number, 86_400.0)) if number >= 0 else None


def wait_for(error: RateLimited, wait: timedelta | None, now: datetime) -> RateLimited:
    """The error with the pause that its body asked for, where no header did."""
    if error.retry_at is None and wait is not None:
        error.retry_at = now + wait
    return error


def long_secrets(secret: SecretStr) -> SecretStr:
    """A validator for what callers are believed by: one secret or, while one is being replaced, several.

    Raises: ValueError, without the secret in it.
    """
    words = secret.get_secret_value().split()
    if not words or any(len(word) < SHORTEST_SECRET for word in words):
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters, so that nobody can guess it")
    return secret


def server_url(url: str) -> str:
    """A validator for the address of a server, which is no secret; without a slash at its end."""
    check_url(url)
    if urlsplit(url).query or urlsplit(url).fragment:
        raise ValueError("must be the address of a server, without ? or #")
    return url.rstrip("/")
