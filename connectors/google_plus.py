"""Google+ as it lives on in Takeout archives: the platform and its API ended in 2019.

Reads zips and unpacked folders, posts with their comments one file after the other. The cursor says for each archive
how far it was read; an archive that changed, or was replaced by a newer one, is read again from its beginning.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, Field, ValidationError

from connectors.base import Abilities, ConnectorSettings, Json, Known, Page, Rechecked
from connectors.google_plus_archive import Opened, Unreadable, Volume, volumes
from connectors.google_plus_pages import read_page
from connectors.google_plus_reading import own_names, read_raw
from connectors.google_plus_takeout import Found, read_json, unreadable
from monitor.core.phrasing import counted
from monitor.errors import Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Comment

_FILES_PER_PAGE = 500  # of which most may hold nothing for us


class GooglePlusSettings(ConnectorSettings):
    """Which archive, and whose."""

    path: Path
    """The archive: a zip, the folder that it was unpacked to, or a folder with all parts of it."""
    own_ids: tuple[str, ...] = ()
    """The brand's accounts ("100000000000000000001" or "+Alias"); empty: whoever wrote the posts of the stream."""
    with_private: bool = False
    """Whether posts that were not public are read too; they are then kept as private."""
    public_words: tuple[str, ...] = (
        "Public", "Öffentlich", "Público", "Publico", "Pubblico", "Openbaar", "Publiczny", "Offentlig", "सार्वजनिक",
    )  # fmt: skip
    """What "public" is called in the account's language; the HTML form of an archive tells it by this word alone."""
    rows_per_page: int = Field(default=500, ge=1, le=10_000)
    """How many posts and comments are read and stored at once."""


class _Position(BaseModel):
    """How far one archive was read: the file, and how many of its posts and comments."""

    identity: str = ""
    file: int = 0
    row: int = 0
    n_left_out: int = 0
    is_done: bool = False


class _Cursor(BaseModel):
    archives: dict[str, _Position] = {}


class GooglePlus:
    """The stream of one Takeout archive: posts and the comments on them."""

    platform: ClassVar[str] = "google_plus"
    Settings: ClassVar[type[GooglePlusSettings]] = GooglePlusSettings
    abilities: ClassVar[Abilities] = Abilities(
        replies="on Google+ no comment answered another: all comments of a post were one flat conversation",
        deletions="an archive is what was there on its day: what is missing in it says nothing",
        quiet_requests=0,
        late_reply_delay="until a newer archive is put in place",
        is_history=True,
    )

    def __init__(self, settings: GooglePlusSettings, http: HttpClient | None = None) -> None:
        del http  # there is nobody left to ask; every connector is built in the same way
        self._settings, self._own = settings, own_names(settings.own_ids)

    def fetch_page(self, cursor: Json, now: datetime) -> Page:  # noqa: ARG002 - an archive has no clock
        """Read up to `rows_per_page` posts and comments of the first archive that has any left.

        A file, or an archive, that cannot be read is one unreadable row, so that the others go on.

        Raises: Unavailable, where the path does not exist; Unauthorized, where we may not read it.
        """
        at = _loaded(cursor)
        try:
            there = volumes(self._settings.path)
            at.archives = {one.name: at.archives.get(one.name, _Position()) for one in there}
            for volume in there:
                position = self._go_on(volume, at)
                if not position.is_done:
                    raws = self._read(volume, position)
                    note = self._note(volume, position) if position.is_done else ""
                    return Page(raws, at.model_dump(mode="json", exclude_defaults=True), more=True, note=note)
        except PermissionError as error:
            raise Unauthorized(f"{self._settings.path}: {error.strerror or error}") from None
        except OSError as error:
            raise Unavailable(f"{self._settings.path}: {error.strerror or error}") from None
        return Page((), at.model_dump(mode="json", exclude_defaults=True))

    def _go_on(self, volume: Volume, at: _Cursor) -> _Position:
        if at.archives[volume.name].identity != volume.identity:
            at.archives[volume.name] = _Position(identity=volume.identity)
        return at.archives[volume.name]

    def _read(self, volume: Volume, position: _Position) -> Sequence[Json]:
        try:
            with volume.opened() as opened:
                return self._fill(volume, opened, position)
        except Unreadable as error:
            position.is_done = True
            return [unreadable(volume.name, str(error))]

    def _fill(self, volume: Volume, opened: Opened, position: _Position) -> list[Json]:
        raws: list[Json] = []
        limit, last = self._settings.rows_per_page, position.file + _FILES_PER_PAGE
        while position.file < min(len(opened.names), last) and len(raws) < limit:
            found = self._found(opened, position.file)
            taken = found.raws[position.row : position.row + limit - len(raws)]
            raws += taken
            position.row += len(taken)
            if position.row >= len(found.raws):
                position.file, position.row = position.file + 1, 0
                position.n_left_out += found.n_left_out
        position.is_done = position.file >= len(opened.names)
        if position.is_done and opened.problem:
            raws.append(unreadable(volume.name, opened.problem))
        return raws

    def _found(self, opened: Opened, number: int) -> Found:
        name, settings = opened.names[number], self._settings
        try:
            data = opened.read(number)
        except Unreadable as error:
            return Found([unreadable(name, str(error))])
        if name.lower().endswith(".json"):
            return read_json(name, data, settings.with_private)
        return read_page(name, data, settings.with_private, settings.public_words)

    def _note(self, volume: Volume, position: _Position) -> str:
        if not position.n_left_out:
            return ""
        what = counted(position.n_left_out, "post was", "posts were")
        return f"{volume.name or self._settings.path.name}: {what} not public and left out (with_private reads them)"

    def normalise(self, raw: Json) -> Comment | None:
        """Read one post or comment.

        Raises: ValueError, naming the file.
        """
        return read_raw(raw, self._own)

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Nothing: an archive holds what was put into it."""
        del known
        return Rechecked(())


def _loaded(cursor: Json) -> _Cursor:
    """The stored cursor; one that this version cannot read means to begin anew (what is stored stays once)."""
    try:
        return _Cursor.model_validate(cursor or {})
    except ValidationError:
        return _Cursor()
