"""Tokens that stay valid: renewed in time, by one at a time across threads and hosts; and a daily fire drill."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote, urlencode

from oauthlib.oauth2 import OAuth2Error, WebApplicationClient
from sqlalchemy import Connection, Engine

from monitor import log
from monitor.errors import Gone, Malformed, RemoteError, Unauthorized
from monitor.flows import operator
from monitor.http import HttpClient
from monitor.sealing import Box, SealBroken
from monitor.store import credentials as store
from monitor.store.credentials import Credential, Granted
from monitor.store.engine import reading, writing

_log = log.get()

EARLY = timedelta(minutes=5)  # before its end a token is renewed
LEASE = timedelta(minutes=1)  # a renewal may take
PATIENCE_S = 20.0  # that another thread or host is waited for
_TOO_OFTEN, _THEIR_FAULT = 40100, 50000  # codes of TikTok. Source: business-api.tiktok.com, return codes
WARNED = (14, 7, 1)  # days before something ends that nobody can renew


@dataclass(frozen=True, slots=True)
class Application:
    """What we are at a platform: the client that was registered there, and where its OAuth is (connectors.oauth)."""

    oauth: Any
    client_id: str
    client_secret: str

    def fetch(self, http: HttpClient, url: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Ask the token endpoint.

        Raises: Unauthorized where the grant is refused; the other errors of HttpClient.
        """
        sent, headers = (
            dict(fields),
            {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
        )
        if self.oauth.client_auth == "client_secret_basic":
            pair = f"{quote(self.client_id)}:{quote(self.client_secret)}"
            headers["authorization"] = "Basic " + b64encode(pair.encode()).decode()
        else:
            sent |= {"client_id": self.client_id}
            sent |= {"client_secret": self.client_secret} if self.client_secret else {}
        if self.oauth.speaks_json:
            sent |= {self.oauth.code_name: sent.pop("code")} if "code" in sent else {}
            headers["content-type"] = "application/json"
            return self._told(http, "POST", url, headers=headers, content=json.dumps(sent).encode())
        return self._told(http, "POST", url, headers=headers, content=urlencode(sent).encode())

    def _filled(self, params: Mapping[str, str], token: str) -> dict[str, str]:
        return {k: v.replace("{token}", token).replace("{secret}", self.client_secret) for k, v in params.items()}

    def _fetch_by_get(self, http: HttpClient, url: str, fields: Mapping[str, str]) -> dict[str, Any]:
        return self._told(http, "GET", url, params=fields, headers={"accept": "application/json"})

    def _told(self, http: HttpClient, method: str, url: str, **request: Any) -> dict[str, Any]:
        try:
            answer = http.request(method, url, **request)
        except (Malformed, Gone, Unauthorized) as error:
            raise Unauthorized(f"the grant was refused: {_why(error.payload)}", status=error.status) from None
        try:
            body = _unwrapped(answer.body) if self.oauth.speaks_json else answer.body.decode()
            return dict(WebApplicationClient(self.client_id).parse_request_body_response(body))
        except OAuth2Error as error:
            raise Unauthorized(f"the grant was refused: {error.error}") from None
        except (ValueError, UnicodeError):
            raise Malformed("the token endpoint answered with something that is no token") from None

    def redeem(self, http: HttpClient, fields: Mapping[str, str]) -> dict[str, Any]:
        """The tokens for the code of a redirect, exchanged for lasting ones where they last but an hour.

        Raises: as `fetch`.
        """
        told = self.fetch(http, self.oauth.token_url, fields)
        if not self.oauth.exchange_url:
            return told
        asked = self._filled(self.oauth.exchange_params, told["access_token"])
        return told | self._fetch_by_get(http, self.oauth.exchange_url, asked)

    def refresh(self, http: HttpClient, tokens: Mapping[str, Any]) -> dict[str, Any]:
        """New tokens for old ones. Raises: as `fetch`."""
        oauth = self.oauth
        url = oauth.refresh_url or oauth.token_url
        if "grant_type" in oauth.refresh_params:  # platforms that renew the access token itself
            fields = self._filled(oauth.refresh_params, tokens["access_token"])
            return self._fetch_by_get(http, url, fields) if oauth.renews_by_get else self.fetch(http, url, fields)
        fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **oauth.refresh_params}
        return self.fetch(http, url, fields)

    def can_refresh(self, tokens: Mapping[str, Any]) -> bool:
        return "grant_type" in self.oauth.refresh_params or bool(tokens.get("refresh_token"))


def _unwrapped(body: bytes) -> str:
    """The tokens in an answer that says with status 200 whether it holds any (OAuth.speaks_json).

    Raises: Unauthorized where the grant is refused; RemoteError where it is to be asked for later.
    """
    told = json.loads(body)
    code, data = (told.get("code"), told.get("data")) if isinstance(told, dict) else (None, None)
    if not isinstance(code, int):
        raise ValueError("no code")
    if code == 0 and isinstance(data, dict):
        return json.dumps(data)
    if code == 0 or code == _TOO_OFTEN or code >= _THEIR_FAULT:
        raise RemoteError(f"the token endpoint gave no tokens: code {code}", status=200)
    raise Unauthorized(f"the grant was refused: code {code}", status=200)


def _why(payload: str) -> str:
    """The error's name in a token endpoint's answer; nothing else of it, which may show our secrets back."""
    try:
        said = json.loads(payload)
        name = said.get("error") if isinstance(said, dict) else None
        name = name.get("type") or name.get("code") if isinstance(name, dict) else name
    except ValueError:
        name = None
    return str(name)[:80] if name else "no reason given"


def granted(box: Box, oauth: Any, told: Mapping[str, Any], before: Mapping[str, Any], now: datetime) -> Granted:
    """What an answer of a token endpoint grants, sealed; what it leaves out stays as before."""
    tokens = {
        "access_token": told["access_token"],
        "refresh_token": told.get("refresh_token") or before.get("refresh_token", ""),
    }
    lives = _seconds(told.get("expires_in")) or oauth.token_lives
    refresh_lives = _seconds(told.get("refresh_token_expires_in") or told.get("refresh_expires_in"))
    if refresh_lives is None and oauth.refresh_days and told.get("refresh_token"):
        refresh_lives = oauth.refresh_days * 86_400
    scope = told.get("scope") or before.get("scope") or ""
    scopes = " ".join(scope if isinstance(scope, list) else [str(scope)]).replace(",", " ").split()
    tokens["scope"] = scopes
    if oauth.kept:
        known = before.get("facts") or {}
        tokens["facts"] = {name: str(told.get(name) or known.get(name, "")) for name in oauth.kept}
    return Granted(
        box.seal(json.dumps(tokens)),
        now + timedelta(seconds=lives) if lives else None,
        now + timedelta(seconds=refresh_lives) if refresh_lives else None,
        scopes,
        bool(tokens["refresh_token"]) or "grant_type" in oauth.refresh_params,
    )


def _seconds(told: Any) -> int | None:
    try:
        return min(int(told), 10 * 365 * 86_400) if told is not None and int(told) > 0 else None
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class StoredAccess:
    """The Access (connectors.base) of an account whose tokens lie in the store; threads may share it."""

    engine: Engine
    box: Callable[[], Box]
    account: str
    application: Application
    http: HttpClient
    now: Callable[[], datetime]

    def token(self) -> str:
        """A token that is valid now, renewed if it is about to end.

        Raises: Unauthorized: nobody has authorised us, or not any more: `heedful auth ACCOUNT`.
        """
        held, tokens = self._held()
        if held.expires_at is None or held.expires_at - self.now() > EARLY:
            return str(tokens["access_token"])
        if not self.application.can_refresh(tokens):
            return self._while_valid(held, tokens)
        return self._renewed(held, tokens)

    def fact(self, name: str) -> str:
        """What the platform granted beside the token (OAuth.kept), "" where it did not say.

        Raises: as `token`.
        """
        _, tokens = self._held()
        return str((tokens.get("facts") or {}).get(name, ""))

    def _held(self) -> tuple[Credential, Mapping[str, Any]]:
        with reading(self.engine) as connection:
            held = store.load(connection, self.account)
        if held is None:
            raise Unauthorized(f"nobody has authorised {self.account} yet: run heedful auth {self.account}")
        try:
            return held, json.loads(self.box().open(held.sealed))
        except SealBroken as error:
            raise Unauthorized(str(error)) from None

    def _while_valid(self, held: Credential, tokens: Mapping[str, Any]) -> str:
        if held.expires_at is not None and held.expires_at <= self.now():
            raise Unauthorized(f"the token of {self.account} has expired: run heedful auth {self.account}")
        return str(tokens["access_token"])

    def _renewed(self, held: Credential, tokens: Mapping[str, Any]) -> str:
        waits_until = monotonic() + PATIENCE_S
        while True:
            with writing(self.engine) as connection:
                is_ours = store.begin_refresh(connection, self.account, held.refresh_no, self.now(), LEASE)
            if is_ours:
                return self._renew(held, tokens)
            if held.expires_at is not None and held.expires_at > self.now():
                return str(tokens["access_token"])  # another is renewing it, and this one still serves
            if monotonic() > waits_until:
                raise RemoteError(f"the token of {self.account} is being renewed elsewhere, and that takes long")
            sleep(0.1)
            before, (held, tokens) = held.refresh_no, self._held()
            if held.refresh_no != before:
                return str(tokens["access_token"])

    def _renew(self, held: Credential, tokens: Mapping[str, Any]) -> str:
        try:
            told = self.application.refresh(self.http, tokens)
        except RemoteError as error:
            with writing(self.engine) as connection:
                store.end_refresh(connection, self.account, held.refresh_no, None, self.now())
            if isinstance(error, Unauthorized):
                raise Unauthorized(f"{self.account}: {error}: run heedful auth {self.account}") from None
            return self._while_valid(held, tokens)
        now = self.now()
        kept = granted(self.box(), self.application.oauth, told, tokens, now)
        # At once and alone: where each refresh token is valid once, the old one is worth nothing from here on.
        with writing(self.engine) as connection:
            store.end_refresh(connection, self.account, held.refresh_no, kept, now)
        _log.info("credential.renewed", account=self.account)
        return str(told["access_token"])


@dataclass(frozen=True, slots=True)
class Drilled:
    """What the fire drill found about one account, and the fewest days for which people were warned."""

    account: str
    says: str
    days: int


def drill(held: Sequence[Credential], needed: Mapping[str, Sequence[str]], now: datetime) -> list[Drilled]:
    """Which grants end soon or are too small; `needed` are the scopes by account. Pure."""
    found = []
    for one in held:
        missing = sorted(set(needed.get(one.account, ())) - set(one.scopes)) if one.scopes else []
        if missing:
            found.append(Drilled(one.account, f"lacks the permission {', '.join(missing)}", 0))
            continue
        ends_at = one.refresh_expires_at if one.is_renewable else one.expires_at
        if ends_at is None:
            continue
        days = min((step for step in WARNED if ends_at - now <= timedelta(days=step)), default=None)
        if ends_at <= now:
            found.append(Drilled(one.account, "has ended", 0))
        elif days is not None:
            found.append(Drilled(one.account, f"ends on {ends_at:%d %B %Y}", days))
    return found


def run_drill(
    connection: Connection, brand: str, found: Sequence[Drilled], held: Sequence[Credential], now: datetime
) -> int:
    """Tell people of what the drill found, once at each step, and that it is over; how many were told."""
    warned = {one.account: one.warned_days for one in held}
    n_told = 0
    for one in found:
        before = warned.get(one.account)
        if before is None or one.days < before:
            key = f"credential:{one.account}:{one.days}"
            says = f"The access of {one.account} {one.says}. Run: heedful auth {one.account}"
            n_told += operator.report(connection, brand, key, says, now)
            store.note_warned(connection, one.account, one.days)
    troubled = {one.account for one in found}
    for account in warned.keys() - troubled:
        for days in (*WARNED, 0):
            operator.over(connection, brand, f"credential:{account}:{days}", now)
    return n_told
