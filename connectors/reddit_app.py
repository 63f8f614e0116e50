"""Reddit's token of an app alone (client credentials): what everybody may read, without anybody's account."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from threading import Lock

from pydantic import SecretStr

from monitor.errors import Malformed, RemoteError, Unauthorized
from monitor.http import HttpClient

PATH = "/api/v1/access_token"
_LIVES = timedelta(hours=1)  # where the answer does not say. Source: github.com/reddit-archive/reddit/wiki/OAuth2
_EARLY = timedelta(minutes=1)


class AppToken:
    """An `Access` that asks for a token itself, and keeps it until shortly before its end."""

    def __init__(self, site_url: str, app_id: str, secret: SecretStr, user_agent: str, http: HttpClient) -> None:
        self._url, self._agent, self._http = site_url + PATH, user_agent, http
        self._pair = SecretStr(f"{app_id}:{secret.get_secret_value()}")
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)
        self._lock = Lock()

    def token(self) -> str:
        """Raises: Unauthorized where the app's id and secret are refused; else as `HttpClient.request`."""
        with self._lock:
            now = datetime.now(UTC)
            if not self._token or now >= self._until:
                self._token, lives = self._ask()
                self._until = now + max(lives - _EARLY, _EARLY)
            return self._token

    def forget(self, token: str) -> None:
        """Ask anew next time: this one was refused before its end."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _ask(self) -> tuple[str, timedelta]:
        basic = b64encode(self._pair.get_secret_value().encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "User-Agent": self._agent,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            answer = self._http.request("POST", self._url, headers=headers, content=b"grant_type=client_credentials")
        except RemoteError as error:
            if error.status not in (400, 401, 403):
                raise
            raise Unauthorized(f"{error}: Reddit refuses app_id and app_secret", status=error.status) from None
        told = answer.json()
        token = told.get("access_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or not token:  # a wrong id is told with status 200 and {"error": ...}
            if isinstance(told, dict) and "error" in told:
                raise Unauthorized("Reddit refuses app_id and app_secret", status=200)
            raise Malformed(f"{answer.shown} answered without a token", status=200)
        seconds = told.get("expires_in")
        is_number = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**7
        return token, timedelta(seconds=seconds) if is_number else _LIVES
