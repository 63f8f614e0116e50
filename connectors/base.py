"""What a connector is: the code that reads one platform, and nothing else.

A connector is built once per source from its validated settings and the shared HTTP client. It keeps no state
between calls: what it must remember is in the cursor that it returns and that heedful stores together with the
page's comments, in one transaction.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Protocol
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from monitor.core.hints import Hint as Hint
from monitor.core.hints import Named as Named
from monitor.core.hints import Push as Push
from monitor.core.hints import Subscription as Subscription
from monitor.errors import Unauthorized
from monitor.http import HttpClient
from monitor.model import Budget as Budget
from monitor.model import Comment
from monitor.model import StorageRules as StorageRules

Json = Any  # whatever json.loads returns


def _checked_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_one = False
    if not is_one or any(sign in value for sign in "?#@ "):
        raise ValueError('must be an address such as "https://host" or "https://host/path", without query or password')
    return value.rstrip("/")


Address = Annotated[str, AfterValidator(_checked_address)]
"""Where a platform answers, as a setting: an http(s) address without its last slash."""


def resumed(cursor: Json, begin: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """A copy of a cursor of ours ({"v": 1, ...}) to work on; what `begin` makes where there is none that we read."""
    is_ours = isinstance(cursor, dict) and cursor.get("v") == 1
    return deepcopy(cursor) if is_ours else begin()


class ConnectorSettings(BaseModel):
    """The part of a source's configuration that its connector defines; each field's description is its manual."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    backfill: timedelta = timedelta(days=30)
    """How far back to read when the source is added ("30d"); what is that old never alerts."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a platform lets its connector notice.

    Each of `replies`, `edits`, `deletions`, `late_replies` and `own_posts` is "yes" or the reason why not; the
    contract suite tests every "yes" and `heedful connectors` prints the rest.
    """

    replies: str = "yes"
    edits: str = "yes"
    deletions: str = "yes"
    late_replies: str = "yes"
    own_posts: str = "yes"
    quiet_requests: int = 1  # the most requests that a poll of an unchanged source may cost
    recheck_batch: int = 0  # how many comments one `recheck` takes; 0: this connector has none
    late_reply_delay: str = ""  # the longest that a new reply below an old comment can stay unseen, in words
    budget: Budget | None = None  # of an account, shared by its sources
    storage: StorageRules = field(default_factory=StorageRules)
    is_history: bool = False  # all that it reads is long over: it is stored as history, whatever its dates say


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one source: raw comments as the platform sent them, and where to go on.

    `more` means that the next page can be fetched at once. `gone` are native ids that the platform shows to be
    deleted (never merely absent). `own_author_ids` tells which authors are our own accounts, when the connector
    learned it. A page whose cursor equals the one it was fetched with, with `more`, is a loop and is refused.
    """

    raws: Sequence[Json]
    cursor: Json
    more: bool = False
    gone: Sequence[str] = ()
    own_author_ids: frozenset[str] = frozenset()
    poll_after: datetime | None = None  # the platform asked not to be polled before this instant
    note: str = ""  # what the operator should know of this read (comments may have been missed), to be logged
    spent: float = 1.0  # of the account's budget, in its unit


@dataclass(frozen=True, slots=True)
class Known:
    """A comment that we hold, as `recheck` is given it."""

    native_id: str
    subject_native_id: str | None
    root_native_id: str | None


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What a look at known comments found: their present versions, anything new beside them, and what is gone."""

    raws: Sequence[Json]
    gone: Sequence[str] = ()
    spent: float = 1.0  # of the account's budget, in its unit


class Access(Protocol):
    """The credential of an account, asked for at each request, because it may have been renewed meanwhile."""

    def token(self) -> str:
        """A token that is valid now.

        Raises: Unauthorized where there is none, or it cannot be renewed.
        """
        ...


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token that the operator wrote into the configuration, and that nobody renews."""

    secret: SecretStr | None

    def token(self) -> str:
        """Raises: Unauthorized where none was given."""
        if self.secret is None:
            raise Unauthorized("no token is given: run `heedful auth`, or set token_env or token_file")
        return self.secret.get_secret_value()


class Connector(Protocol):
    """Reads one source of one platform.

    A connector whose class has an `oauth` (connectors.oauth.OAuth) is built with a third argument, an `Access`.

    One whose platform can tell us something by itself has a `push` (Push).

    `fetch_page` and `recheck` raise the errors of `monitor.errors`; `normalise` is pure and raises ValueError
    (or pydantic's ValidationError, which is one) for a payload that it cannot read: that payload goes to
    quarantine and its neighbours go on. `normalise` returns None for what is not a comment at all (a like).
    """

    platform: ClassVar[str]
    Settings: ClassVar[type[ConnectorSettings]]
    abilities: ClassVar[Abilities]

    def __init__(self, settings: Any, http: HttpClient) -> None: ...

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Fetch one page; `cursor` is None at the first poll and otherwise what the last page returned."""
        ...

    def normalise(self, raw: Json) -> Comment | None:
        """Read one raw comment."""
        ...

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at up to `abilities.recheck_batch` known comments and what hangs below them."""
        ...
