"""A Google service account: signs for itself, and is given a token that lives for an hour.

Source: developers.google.com/identity/protocols/oauth2/service-account (signed JWT, RS256, no refresh token).
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import jwt
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from connectors.google_errors import translated
from monitor.errors import Malformed, RemoteError, Unauthorized
from monitor.http import HttpClient

_LIVES = timedelta(hours=1)
_RENEW_BEFORE = timedelta(minutes=5)
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Key(BaseModel):
    """The JSON file that the Google Cloud console hands out for a service account."""

    client_email: str = Field(min_length=3)
    private_key: SecretStr
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

    @field_validator("token_uri")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
            raise ValueError("must be an address")
        return value


def read_key(text: SecretStr) -> Key:
    """The key in such a file.

    Raises: ValueError, without the text, where it is none.
    """
    try:
        return Key.model_validate_json(text.get_secret_value())
    except ValidationError as error:
        named = ", ".join(".".join(map(str, one["loc"])) or "not JSON" for one in error.errors(include_input=False))
    raise ValueError(f"not the JSON key of a service account ({named}): give the whole file, as service_account_file")


class ServiceAccount:
    """The access of a service account; the token of the last hour is kept, and nothing else.

    `is_fresh`: the last token was given just now, so that whoever refuses it refuses the account.
    """

    def __init__(self, key: Key, scope: str, http: HttpClient) -> None:
        self._key, self._scope, self._http = key, scope, http
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)
        self.is_fresh = False

    def token(self) -> str:
        """Raises: Unauthorized where Google refuses the signature; else as `HttpClient.request`."""
        now = datetime.now(UTC)
        self.is_fresh = not self._token or now >= self._until
        if self.is_fresh:
            self._token, lives = self._ask(now)
            self._until = now + lives - _RENEW_BEFORE
        return self._token

    def forget(self) -> None:
        """Ask anew next time: the token was refused before its end."""
        self._token = ""

    def _ask(self, now: datetime) -> tuple[str, timedelta]:
        content = urlencode({"grant_type": _GRANT, "assertion": self._signed(now)}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer = self._http.request("POST", self._key.token_uri, headers=headers, content=content)
        except Malformed as error:
            if error.status != 400:
                raise
            refused = (
                f"{error}: Google refuses the service account; was its key deleted, or is this host's clock wrong?"
            )
            raise Unauthorized(refused, status=400) from None
        except RemoteError as error:
            raise translated(error) from None
        told = answer.json()
        token = told.get("access_token") if isinstance(told, dict) else None
        lives = told.get("expires_in") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token:
            raise Malformed(f"{answer.shown} answered without a token", status=200)
        if isinstance(lives, int) and not isinstance(lives, bool) and 0 < lives < 1_000_000:
            return token, timedelta(seconds=lives)
        return token, _LIVES

    def _signed(self, now: datetime) -> str:
        claims = {
            "iss": self._key.client_email,
            "scope": self._scope,
            "aud": self._key.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _LIVES).timestamp()),
        }
        headers = {"kid": self._key.private_key_id} if self._key.private_key_id else None
        try:
            return jwt.encode(claims, self._key.private_key.get_secret_value(), algorithm="RS256", headers=headers)
        except (ValueError, TypeError, jwt.PyJWTError):
            pass
        raise Unauthorized("the private key of the service account cannot be used: is the file complete?")
