"""One raw post or comment of Google+ as a Comment; pure."""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.base import Json
from connectors.google_plus_takeout import person_ids, person_key
from monitor.core.text import plain_text, storable
from monitor.model import Author, Comment

_MAX_HTML = 100_000
Count = Annotated[int, Field(ge=0, lt=2**31)]


class _Person(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    display_name: str = ""
    profile_page_url: str = ""
    resource_name: str = ""


class _Said(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    creation_time: str
    author: _Person = _Person()
    content: str = ""
    update_time: str | None = None
    # What hangs on a post is read as far as it can be: a strange poll must not cost us the post.
    link: Any = None
    reshared_post: Any = None
    poll: Any = None
    album: Any = None
    media: Any = None
    location: Any = None


class _On(BaseModel):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    url: str = ""
    title: str = ""
    author: str = ""
    is_public: bool = False
    in_community: bool = False


class _Raw(BaseModel):
    file: str = ""
    what: Literal["post", "comment"]
    on: _On
    said: _Said
    n_likes: Count = 0
    n_replies: Count | None = None
    nth: Count = 0
    is_own: bool = False
    liked_by: list[tuple[str, str]] = []


def own_names(ids: tuple[str, ...]) -> frozenset[str]:
    """The brand's accounts as they are compared: "users/123", "123" and "+Alias", capitals or not."""
    return frozenset(one.strip().removeprefix("users/").casefold() for one in ids)


def read_raw(raw: Json, own: frozenset[str]) -> Comment:
    """Read one raw comment; `own` are the brand's accounts, empty where whoever posted is the brand.

    Raises: ValueError, naming the file.
    """
    file = raw.get("file") if isinstance(raw, dict) else ""
    try:
        if isinstance(raw, dict) and "error" in raw:
            raise ValueError(str(raw["error"]))
        return _comment(_Raw.model_validate(raw), own)
    except ValueError as error:
        raise ValueError(f"{file}: {error}" if isinstance(file, str) and file else str(error)) from None


def _comment(raw: _Raw, own: frozenset[str]) -> Comment:
    on, said = raw.on, raw.said
    created_at = _instant(said.creation_time)
    updated_at = _instant(said.update_time) if said.update_time else created_at
    is_post = raw.what == "post"
    is_ours = True if raw.is_own else _is_ours(said.author, on, own)
    kind: Literal["post", "comment"] = "post" if is_post and is_ours else "comment"
    native_id = on.id if is_post else f"{on.id}/{_suffix(raw, created_at)}"
    address = _web(on.url)
    return Comment(
        native_id=native_id,
        kind=kind,
        text=_text(said) if is_post else plain_text(said.content),
        author=_author(said.author),
        created_at=created_at,
        # Google+ is gone and its addresses with it; they still find a page in a web archive.
        permalink=address if is_post or not address else f"{address.partition('#')[0]}#{native_id.rpartition('/')[2]}",
        # All comments of a post were one flat conversation.
        root_native_id=on.id,
        subject_native_id=None if is_post else on.id,
        subject_title="" if is_post else storable(on.title),
        subject_url="" if is_post else address,
        edited_at=updated_at if updated_at > created_at else None,
        n_likes=raw.n_likes,
        n_replies=raw.n_replies,
        mentions=_mentions(said.content),
        is_ours=is_ours,
        is_private=not on.is_public,
        is_liked_by_us=any(_is_named(ids, own) for ids in raw.liked_by),
    )


def _suffix(raw: _Raw, created_at: datetime) -> str:
    """What tells a comment from the others on its post: pages have no ids, so who wrote it in which second."""
    who = blake2b(person_key(_plain(raw.said.author)).encode(), digest_size=4).hexdigest()
    again = f"-{raw.nth + 1}" if raw.nth else ""
    return f"{int(created_at.timestamp())}-{who}{again}"


def _plain(person: _Person) -> Json:
    return person.model_dump(by_alias=True)


def _author(person: _Person) -> Author:
    number, page = person_ids(_plain(person))
    return Author(
        native_id=storable(number or page),
        name=storable(person.display_name).strip() or storable(number or page),
        handle=storable(page) if page.startswith("+") else "",
        url=_web(person.profile_page_url),
    )


def _is_ours(person: _Person, on: _On, own: frozenset[str]) -> bool | None:
    if own:
        return True if _is_named(person_ids(_plain(person)), own) else None
    who = person_key(_plain(person))
    return True if who and who == on.author and not on.in_community else None


def _is_named(ids: tuple[str, str], own: frozenset[str]) -> bool:
    return any(one and one.casefold() in own for one in ids)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"no time: {text[:60]}") from None


def _web(text: str) -> str:
    try:
        return storable(text).strip() if urlsplit(text).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _text(said: _Said) -> str:
    """What a post says with what hangs on it, so that both are found again."""
    text = plain_text(said.content)
    parts = [text, *_reshared(said.reshared_post), *_hung(said.link, text)]
    parts += [f"- {words}" for choice in _list(said.poll, "choices") if (words := _word(choice, "description"))]
    parts += [words for one in [said.media, *_list(said.album, "media")] if (words := _word(one, "description"))]
    parts.append(_word(said.location, "displayName"))
    return "\n\n".join(part for part in parts if part)


def _reshared(shared: Any) -> list[str]:
    author = shared.get("author") if isinstance(shared, dict) else None
    who = _word(shared, "attribution") or (
        f"Originally shared by {name}" if (name := _word(author, "displayName")) else ""
    )
    return [who, plain_text(_word(shared, "content")), *_hung(_at(shared, "link"), "")]


def _hung(link: Any, text: str) -> list[str]:
    title, url = _word(link, "title"), _web(_word(link, "url"))
    return [part for part in (title, url) if part and part not in text]


def _at(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _word(value: Any, key: str) -> str:
    found = _at(value, key)
    return storable(found).strip() if isinstance(found, str) else ""


def _list(value: Any, key: str) -> list[Any]:
    found = _at(value, key)
    return found if isinstance(found, list) else []


def _mentions(html: str) -> tuple[str, ...]:
    """The people addressed with +Name: their ids, and the names in their addresses."""
    if "proflink" not in html:
        return ()
    from selectolax.lexbor import LexborHTMLParser

    named: list[str] = []
    for link in LexborHTMLParser(html[:_MAX_HTML], is_fragment=True).css("a.proflink"):
        _, page = person_ids({"profilePageUrl": link.attributes.get("href") or ""})
        named += [one for one in (storable(link.attributes.get("oid") or ""), storable(page)) if one]
    return tuple(dict.fromkeys(named))
