"""Whose token it is: a Page's own, or a person's, from which the Page's is made.

With a person's token Facebook answers a request for comments with an empty list and no error: that must not be taken
for a Page without comments.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from connectors.base import Access, Json
from connectors.fields import read_instant
from connectors.meta_api import Api
from connectors.meta_fields import part, read_id, rows
from monitor.errors import Malformed, Unauthorized
from monitor.http import HttpClient

WHO_WE_ARE = timedelta(days=1)  # how long the answer to "whose token is this" is believed


@dataclass(frozen=True, slots=True)
class Whose:
    """The Page that is read; `is_persons`: the token given is not the Page's own. `n_spent`: requests to learn it."""

    id: str
    is_persons: bool
    n_spent: int = 0
    note: str = ""


class Account:
    """The credential of one Page."""

    def __init__(
        self, api_url: str, page_id: str, access: Access, app_secret: SecretStr | None, http: HttpClient
    ) -> None:
        self._url, self._page_id, self._access, self._secret, self._http = api_url, page_id, access, app_secret, http
        # Made of the token alone, so that nothing is lost with it: (the person's token, the Page's).
        self._made: tuple[str, str] = ("", "")
        self._last: Whose | None = None

    def whose(self, state: dict[str, Any], now: datetime | None) -> Whose:
        """The Page of the token, from `state` where that knows it; with `now` None whatever was learned last.

        Raises: Unauthorized where the token can read no Page.
        """
        own = state.get("own") or {}
        asked_at = read_instant(own.get("asked_at"))
        if now is None and self._last is not None:
            return replace(self._last, n_spent=0)
        if now is None or "id" not in own or asked_at is None or now - asked_at > WHO_WE_ARE:
            self._last = found = self._asked()
            if now is not None:
                state["own"] = {"id": found.id, "persons": found.is_persons, "asked_at": now.isoformat()}
            return found
        return Whose(str(own["id"]), own.get("persons") is True)

    def api(self, whose: Whose) -> Api:
        """The requests of one call, with the Page's own token."""
        access = self.token_of(whose.id) if whose.is_persons else self._access
        return Api(self._url, access, self._secret, self._http)

    def _asked(self) -> Whose:
        api = Api(self._url, self._access, self._secret, self._http)
        try:
            me = api.get("me", {"fields": "id,name,category"})
        except Malformed as error:
            if error.status != 400:
                raise
            return self._of_person(api)  # only a Page has a category
        if not (page := read_id(part(me, "id"))):
            raise Malformed("/me answered without an id", status=200)
        if self._page_id and page != self._page_id:
            raise Unauthorized(f"the token is that of Page {page}, but page_id is {self._page_id}")
        return Whose(page, False, api.n_spent, _retired(api.served, self._url))

    def _of_person(self, api: Api) -> Whose:
        pages = rows(api.get("me/accounts", {"fields": "id,name", "limit": 100}))
        ids = [found for one in pages if (found := read_id(part(one, "id")))]
        if self._page_id and self._page_id not in ids and len(ids) < 100:
            raise Unauthorized(f"the token is a person's who does not manage Page {self._page_id}")
        if not self._page_id and len(ids) != 1:
            raise Unauthorized(f"the token is a person's who manages {len(ids)} Pages: set page_id to the one to read")
        return Whose(self._page_id or ids[0], True, api.n_spent, _retired(api.served, self._url))

    def token_of(self, page_id: str) -> Access:
        """The Page's own credential, made of a person's."""
        return _PageToken(self, page_id)

    def page_token(self, page_id: str) -> str:
        """The Page's token, made of the person's that is valid now."""
        person = self._access.token()
        if self._made[0] != person:
            api = Api(self._url, self._access, self._secret, self._http)
            answer: Json = api.get(page_id, {"fields": "access_token"})
            token = part(answer, "access_token")
            if not isinstance(token, str) or not token:
                raise Unauthorized(f"no token is given for Page {page_id}: is the person still on its team?")
            self._made = (person, token)
        return self._made[1]


@dataclass(frozen=True, slots=True)
class _PageToken:
    account: Account
    page_id: str

    def token(self) -> str:
        return self.account.page_token(self.page_id)


def _retired(served: str, url: str) -> str:
    asked = url.rpartition("/")[2]
    if not served or not asked.startswith("v") or served == asked:
        return ""
    return f"Meta has retired {asked} of its API and answers as {served}: set api_url to a newer version"
