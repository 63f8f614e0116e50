"""Whose Instagram account a token reads: by Instagram Login its own, by Facebook Login the one linked to a Page."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.base import Access, Json
from connectors.facebook_account import Account as PageAccount
from connectors.fields import read_instant
from connectors.meta_api import Api
from connectors.meta_fields import part, read_id, rows
from monitor.errors import Malformed, Unauthorized
from monitor.http import HttpClient

WHO_WE_ARE = timedelta(days=1)
_LINKED = "instagram_business_account{id,username}"


@dataclass(frozen=True, slots=True)
class Us:
    """Our account; `page` is the Page whose token the inbox needs, "" where the given one will do."""

    id: str
    name: str
    page: str = ""
    n_spent: int = 0


class Account:
    """The credential of one Instagram account."""

    def __init__(
        self, api_url: str, account_id: str, access: Access, app_secret: SecretStr | None, http: HttpClient
    ) -> None:
        self._url, self._account_id, self._access, self._secret, self._http = (
            api_url,
            account_id,
            access,
            app_secret,
            http,
        )
        self._pages = PageAccount(api_url, "", access, app_secret, http)
        self._last: Us | None = None

    def us(self, state: dict[str, Any], now: datetime | None) -> Us:
        """Our account, from `state` where that knows it; with `now` None whatever was learned last.

        Raises: Unauthorized where the token reaches no account, or more than one.
        """
        own = state.get("own") or {}
        asked_at = read_instant(own.get("asked_at"))
        if now is None and self._last is not None:
            return replace(self._last, n_spent=0)
        if now is None or "id" not in own or asked_at is None or now - asked_at > WHO_WE_ARE:
            self._last = found = self._asked()
            if now is not None:
                known = {"id": found.id, "name": found.name, "page": found.page}
                state["own"] = known | {"asked_at": now.isoformat()}
            return found
        return Us(str(own["id"]), str(own.get("name", "")), str(own.get("page", "")))

    def api(self, us: Us, *, is_inbox: bool = False) -> Api:
        """The requests of one call."""
        access = self._pages.token_of(us.page) if is_inbox and us.page else self._access
        return Api(self._url, access, self._secret, self._http)

    def _asked(self) -> Us:
        api = Api(self._url, self._access, self._secret, self._http)
        # By Instagram Login /me?fields=id would be another id, of the app's own.
        me = self._try(api, "me", "user_id,username")
        found = [(me, "")] if me is not None else self._linked(api)
        ours = [(_read_us(one, page, api.n_spent)) for one, page in found]
        wanted = [one for one in ours if one.id and self._account_id in ("", one.id)]
        if len(wanted) != 1:
            names = ", ".join(sorted(one.name for one in ours if one.name))[:300] or "none"
            raise Unauthorized(
                f"the token must reach one Instagram account, or account_id say which; it reaches: {names}"
            )
        return wanted[0]

    def _linked(self, api: Api) -> list[tuple[Json, str]]:
        """The accounts linked to the Page of the token, or to the Pages of its person."""
        page = self._try(api, "me", f"id,{_LINKED}")
        if page is not None:
            return [(part(page, "instagram_business_account"), "")]
        pages = rows(api.get("me/accounts", {"fields": f"id,{_LINKED}", "limit": 100}))
        return [(part(one, "instagram_business_account"), read_id(part(one, "id"))) for one in pages]

    def _try(self, api: Api, path: str, fields: str) -> Json | None:
        """The answer, None where what answers has no such field."""
        try:
            return api.get(path, {"fields": fields})
        except Malformed as error:
            if error.status != 400:
                raise
            return None


def _read_us(answer: Json, page: str, n_spent: int) -> Us:
    name = part(answer, "username")
    us = read_id(part(answer, "user_id")) or read_id(part(answer, "id"))
    return Us(us, name[:100] if isinstance(name, str) else "", page, n_spent)
