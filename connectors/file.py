"""Reads comments from files of rows: one file, or a folder into which another program drops them.

Files stay where they are (or move to `archive` once everything in them is stored). The cursor says for each file
how far it was read; lines that are added later are found, a file that was replaced is read again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from connectors.base import Abilities, ConnectorSettings, Json, Known, Page, Rechecked
from connectors.file_mapping import FIELDS, Reading, TextIs
from connectors.file_position import Format, Position, Streams, identity_of, read_page
from connectors.file_rows import Row
from monitor.errors import RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Comment

_UNFINISHED = (".part", ".tmp", ".crdownload", ".swp", "~")


def _checked_fields(mapping: dict[str, str]) -> dict[str, str]:
    if unknown := sorted(set(mapping) - set(FIELDS)):
        raise ValueError(f"no field of a comment: {', '.join(unknown)}; there are {', '.join(FIELDS)}")
    return mapping


def _checked_encoding(encoding: str) -> str:
    try:
        if '\n,"'.encode(encoding) in (b'\n,"', b'\xef\xbb\xbf\n,"'):
            return encoding
    except (LookupError, UnicodeError):
        pass
    raise ValueError("give the name of an encoding that writes line ends as ASCII does (convert UTF-16 to UTF-8 first)")


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone") from None
    return name


class FileSettings(ConnectorSettings):
    """Which files, and which of their columns is what."""

    path: Path
    """A file, or a folder into which files are dropped."""
    pattern: str = "*"
    """Which files of the folder are read, such as "*.csv"; "**/*.csv" looks into its folders too."""
    format: Literal["auto", "jsonl", "csv"] = "auto"
    """What the files are; "auto" tells by the ending (.csv and .tsv, or JSON Lines), also before .gz."""
    columns: Annotated[dict[str, str], AfterValidator(_checked_fields)] = Field(default_factory=dict)
    """Which column fills which field of a comment, such as native_id = "tweet_id"; "user.name" looks into nested JSON.
    A column that has a field's name needs no mention."""
    constants: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """What fields are where no column fills them, such as kind = "review"."""
    times: tuple[str, ...] = ("iso",)
    """How times are written, tried in order: "iso", "epoch", "epoch_ms", "epoch_us" or a strptime format."""
    timezone: Annotated[str, AfterValidator(_checked_zone)] = "UTC"
    """The zone of times that name none."""
    inbound_column: str = ""
    """The column that tells customers' rows from our own."""
    inbound_values: tuple[str, ...] = ("true", "1", "1.0", "yes", "y", "t")
    """What stands in `inbound_column` in customers' rows, capitals or not; anything else there means ours."""
    text_is: TextIs = "plain"
    """What the text column holds: "plain" text, "html", or plain text with "escaped" entities (&amp;)."""
    mentions_in_text: bool = False
    """Whether @names in the text are the people addressed."""
    id_prefix: str = ""
    """Put in front of every id, to keep two exports with the same numbers apart."""
    delimiter: str = Field(default="", max_length=1)
    """What separates the fields of a CSV file: "," unless set, in .tsv files a tab."""
    header: tuple[str, ...] = ()
    """The names of the columns, for CSV files without a header line."""
    encoding: Annotated[str, AfterValidator(_checked_encoding)] = "utf-8"
    """The encoding of the files."""
    rows_per_page: int = Field(default=500, ge=1, le=10_000)
    """How many rows are read and stored at once."""
    settle: timedelta = timedelta(seconds=5)
    """A last line without a line end is taken once the file has not changed for so long."""
    archive: Path | None = None
    """A folder to which a file moves when all of it is stored."""

    @model_validator(mode="after")
    def _constants_are_readable(self) -> Self:
        _checked_fields(dict.fromkeys(self.constants, ""))
        for name, value in self.constants.items():
            FIELDS[name](value)
        return self


class _Cursor(BaseModel):
    files: dict[str, Position] = {}


class File:
    """One file or one drop folder."""

    platform: ClassVar[str] = "file"
    Settings: ClassVar[type[FileSettings]] = FileSettings
    abilities: ClassVar[Abilities] = Abilities(
        deletions="a row that is no longer in a file says nothing: exports hold what somebody chose",
        quiet_requests=0,
    )

    def __init__(self, settings: FileSettings, http: HttpClient | None = None) -> None:
        del http  # files need none; every connector is built in the same way
        self._settings, self._streams = settings, Streams()
        self._reading = Reading(
            settings.columns,
            settings.constants,
            settings.times,
            ZoneInfo(settings.timezone),
            (settings.inbound_column, frozenset(value.casefold() for value in settings.inbound_values)),
            settings.text_is,
            settings.mentions_in_text,
            settings.id_prefix,
        )

    def __del__(self) -> None:
        self._streams.close()

    def fetch_page(self, cursor: Json, now: datetime) -> Page:
        """Read up to `rows_per_page` rows of the first file, in order of names, that has any.

        A file that cannot be understood at all is one unreadable row, so that the others go on.

        Raises: Unavailable, where the path does not exist; Unauthorized, where we may not read it.
        """
        at = _loaded(cursor)
        notes: list[str] = []
        try:
            files = self._files()
            self._put_away(at, files)
            for name, path in files.items():
                raws = self._read(name, path, at, now, notes)
                if raws:
                    return Page(raws, _dumped(at), more=True, note="; ".join(notes))
        except OSError as error:
            raise self._failure(error) from None
        return Page((), _dumped(at), note="; ".join(notes))

    def _files(self) -> dict[str, Path]:
        path = self._settings.path
        if path.is_file():
            return {path.name: path}
        if not path.is_dir():
            raise FileNotFoundError(2, "no such file or folder")
        found = {file.relative_to(path).as_posix(): file for file in sorted(path.glob(self._settings.pattern))}
        return {name: file for name, file in found.items() if self._is_wanted(file)}

    def _is_wanted(self, file: Path) -> bool:
        away = self._settings.archive
        is_away = away is not None and away.resolve() in file.resolve().parents
        return not file.name.startswith(".") and not file.name.endswith(_UNFINISHED) and not is_away and file.is_file()

    def _put_away(self, at: _Cursor, files: dict[str, Path]) -> None:
        """Move what is read to its end (a cursor that says so was stored with the rows); forget what is not there."""
        archive = self._settings.archive
        for name, path in list(files.items()) if archive else ():
            position = at.files.get(name)
            if archive and position and position.is_done and position.identity == identity_of(path):
                archive.mkdir(parents=True, exist_ok=True)
                path.rename(_free(archive / path.name))
                del files[name]
        at.files = {name: position for name, position in at.files.items() if name in files}

    def _read(self, name: str, path: Path, at: _Cursor, now: datetime, notes: list[str]) -> list[Json]:
        changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        is_settled = not self._settings.settle or now - changed_at >= self._settings.settle
        position = at.files.setdefault(name, Position())
        try:
            step = read_page(
                path, position, self._format(path), self._streams, self._settings.rows_per_page, is_settled
            )
        except PermissionError:
            if path == self._settings.path:
                raise
            notes.append(f"{name}: we may not read it")
            return []
        if step.waits:
            notes.append(f"{name}: {step.waits}; it is read when the file has not changed for {self._settings.settle}")
        return [_raw(name, row) for row in step.rows]

    def _format(self, path: Path) -> Format:
        ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
        is_csv = self._settings.format == "csv" or (self._settings.format == "auto" and ending in (".csv", ".tsv"))
        if not is_csv:
            return Format(self._settings.encoding)
        delimiter = self._settings.delimiter or ("\t" if ending == ".tsv" else ",")
        return Format(self._settings.encoding, delimiter, self._settings.header, self._reading.needed)

    def _failure(self, error: OSError) -> RemoteError:
        says = f"{self._settings.path}: {error.strerror or error}"
        return Unauthorized(says) if isinstance(error, PermissionError) else Unavailable(says)

    def normalise(self, raw: Json) -> Comment | None:
        """Read one row.

        Raises: ValueError, naming file, row, field and column.
        """
        if not isinstance(raw, dict) or not isinstance(raw.get("values"), dict):
            raise ValueError("not a row of a file")
        try:
            if "error" in raw:
                raise ValueError(str(raw["error"]))
            return self._reading.comment(raw["values"])
        except ValueError as error:
            raise ValueError(f"{raw.get('file')}:{raw.get('row')}: {error}") from None

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        """Nothing: a file holds what was put into it."""
        del known
        return Rechecked(())


def _raw(name: str, row: Row) -> Json:
    raw: dict[str, Json] = {"file": name, "row": row.number, "values": row.values}
    return raw | {"error": row.error} if row.error else raw


def _free(path: Path) -> Path:
    """A name beside this one that is not taken."""
    taken = (path.with_name(f"{path.name}.{number}") for number in range(1, 1_000_000))
    return path if not path.exists() else next(other for other in taken if not other.exists())


def _loaded(cursor: Json) -> _Cursor:
    """The stored cursor; one that this version cannot read means to begin anew (what is stored stays once)."""
    try:
        return _Cursor.model_validate(cursor or {})
    except ValidationError:
        return _Cursor()


def _dumped(at: _Cursor) -> Json:
    return at.model_dump(mode="json", exclude_defaults=True)
