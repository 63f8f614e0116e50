"""WordPress: the comments of one site by its REST API (`wp/v2`), and the posts that they stand under."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.base import Abilities, ConnectorSettings, Json, Known, Page, Rechecked
from connectors.wordpress_api import PAGE_MOST, Api, CommentPayload, PostPayload, site_key, takes_passwords
from connectors.wordpress_reading import Cursor, Reader, is_too_old
from monitor.errors import Gone
from monitor.http import HttpClient
from monitor.model import Author, Comment

_NOT_A_MODERATOR = (
    "this WordPress user may not moderate comments, so what waits for approval is not seen before it is approved"
)


class WordPressSettings(ConnectorSettings):
    """One WordPress site."""

    base_url: str
    """The site's address ("https://blog.example"), or that of its API where it is elsewhere; for WordPress.com
    "https://public-api.wordpress.com/wp/v2/sites/<site>", without credentials."""
    username: str = ""
    """The user whose application password is given; without the two only approved comments are seen."""
    application_password: SecretStr | None = None
    """An application password of that user (Users > Profile), who should be one who may moderate comments."""
    own_user_ids: tuple[int, ...] = ()
    """Ids of the site's other users who answer for the brand; the user above counts without being named."""
    post_types: tuple[str, ...] = ("posts",)
    """What is watched of what the site publishes, by REST name ("posts", "pages"); [] for the comments alone."""
    overlap: timedelta = timedelta(days=7)
    """How far back comments are read again to find those that were approved late."""
    per_page: int = Field(default=PAGE_MOST, ge=2, le=PAGE_MOST)
    """How many comments one request asks for."""

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError('must be an address such as "https://blog.example", without a password')
        return value.rstrip("/")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if bool(self.username) != (self.application_password is not None):
            raise ValueError("username and application_password belong together")
        if self.username and not takes_passwords(self.base_url):
            raise ValueError("base_url must begin with https:// where a password is sent")
        return self


class WordPress:
    """Reads one WordPress site."""

    platform: ClassVar[str] = "wordpress"
    Settings: ClassVar[type[ConnectorSettings]] = WordPressSettings
    abilities: ClassVar[Abilities] = Abilities(
        quiet_requests=3,
        recheck_batch=PAGE_MOST,
        late_reply_delay="one poll, however old the post is; a comment that was approved late, one hour and one poll",
    )

    def __init__(self, settings: WordPressSettings, http: HttpClient) -> None:
        self._settings = settings
        self._site = site_key(settings.base_url)
        self._api = Api(settings.base_url, settings.username, settings.application_password, http)
        self._reader = Reader(self._api, settings.per_page, settings.overlap, settings.post_types)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Fetch one page of the newest comments, of the missing, of the sweep or of the posts."""
        before = self._api.n_spent  # one call at a time: a source is read by one
        here = Cursor.read(cursor, now - self._settings.backfill)
        here = replace(here, prefix=here.prefix or self._api.locate())
        try:
            raws, gone, there = self._reader.read(here, now)
        except Gone:
            if (prefix := self._api.locate(again=True)) == here.prefix:
                raise
            raws, gone, there = self._reader.read(replace(here, prefix=prefix), now)  # its permalinks were changed
        own = {number for number in (*self._settings.own_user_ids, there.own) if number}
        return Page(
            raws=[raw for raw in raws if not is_too_old(raw, there)],
            cursor=there.as_json(),
            # a round that took several calls says nothing of what came at the top meanwhile
            more=not (here.is_at_rest and there.is_at_rest),
            gone=[f"{self._site}/{number}" for number in gone],
            own_author_ids=frozenset(self._user(number) for number in own),
            note=_NOT_A_MODERATOR if here.sees_held and not there.sees_held else "",
            spent=self._api.n_spent - before,
        )

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Look again at known comments and posts, by their ids."""
        before = self._api.n_spent
        here = Cursor(since="", prefix=self._api.locate())
        raws, gone, _ = self._reader.look_again(here, _numbers(known, f"{self._site}/"))
        posts, gone_posts = self._reader.look_again_at_posts(here, _numbers(known, f"{self._site}/post/"))
        says_gone = [f"{self._site}/{number}" for number in gone]
        says_gone += [f"{self._site}/post/{number}" for number in gone_posts]
        return Rechecked([*raws, *posts], says_gone, self._api.n_spent - before)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one comment or post; None for pingbacks, trackbacks and editors' notes."""
        if isinstance(raw, dict) and "post" not in raw and "modified_gmt" in raw:
            return self._read_post(PostPayload.model_validate(raw))
        told = CommentPayload.model_validate(raw)
        if told.type not in ("comment", "review"):
            return None
        native_id = f"{self._site}/{told.id}"
        title, url = told.subject
        return Comment(
            native_id=native_id,
            kind="review" if told.type == "review" else "comment",
            text=told.content.text,
            author=self._read_author(told),
            created_at=told.date_gmt,
            permalink=told.link,
            parent_native_id=f"{self._site}/{told.parent}" if told.parent else None,
            root_native_id=None if told.parent else native_id,
            subject_native_id=f"{self._site}/post/{told.post}" if told.post else None,
            subject_title=title,
            subject_url=url,
            is_ours=True if told.author in self._settings.own_user_ids else None,
            is_hidden=told.status != "approved",
        )

    def _read_author(self, told: CommentPayload) -> Author:
        native_id = f"{self._site}/guest/{told.guest}" if told.guest else ""
        return Author(self._user(told.author) if told.author else native_id, told.name, url=told.author_url)

    def _read_post(self, told: PostPayload) -> Comment:
        return Comment(
            native_id=f"{self._site}/post/{told.id}",
            kind="post",
            text=told.content.text if told.content else "",
            author=Author(self._user(told.author) if told.author else "", ""),
            created_at=told.date_gmt,
            permalink=told.link,
            subject_title=told.title.text if told.title else "",
            subject_url=told.link,
            edited_at=told.modified_gmt if told.modified_gmt and told.modified_gmt > told.date_gmt else None,
            is_ours=True,
        )

    def _user(self, number: int) -> str:
        return f"{self._site}/user/{number}"


def _numbers(known: Sequence[Known], prefix: str) -> list[int]:
    tails = (one.native_id.removeprefix(prefix) for one in known if one.native_id.startswith(prefix))
    return [int(tail) for tail in tails if tail.isascii() and tail.isdecimal()]
