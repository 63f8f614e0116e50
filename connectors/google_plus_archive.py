"""The files of a Takeout archive, in zips or unpacked; nothing is ever written to disk, and all of it is bounded.

A member's name is only a label here: no path of an archive is ever opened or made.
"""

import errno
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Protocol

from monitor.core.text import storable

MAX_FILE = 20_000_000  # bytes, unpacked; the largest post of 500 comments has under one million
MAX_TOTAL = 2_000_000_000  # bytes of one archive, unpacked: what stands after that is not read
MAX_FILES = 200_000
_WANTED = (".json", ".html", ".htm")
_TARS = (".tgz", ".tar.gz", ".tar")
_UNFINISHED = (".part", ".tmp", ".crdownload", "~")
_ENCRYPTED = 0x1
_LABEL = 300


class Unreadable(Exception):
    """One file, or one whole archive, that cannot be read; the others can. The message says why."""


class Opened(Protocol):
    """An archive whose files can be read; `names` in the order of reading, `problem` what is wrong with it besides."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def problem(self) -> str: ...

    def read(self, number: int) -> bytes:
        """The content of one file by its place in `names`.

        Raises: Unreadable; OSError where the disk fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class Volume:
    """One zip, or all loose files of a folder. `identity` changes whenever something in it does."""

    name: str
    identity: str
    path: Path
    files: Sequence[str] = ()  # the loose ones, below `path`; a zip has none

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Raises: Unreadable, where nothing in it can be read."""
        if self.name.lower().endswith(_TARS):
            raise Unreadable("a tar archive; unpack it (tar -xf) and name the folder, or ask Takeout for a zip")
        if self.files or not self.name:
            yield _Loose(self.path, self.files)
            return
        try:
            archive = zipfile.ZipFile(self.path)
        except _BROKEN as error:
            raise Unreadable(f"not a zip that can be read: {_why(error)}") from None
        with archive:
            yield _Zip(archive)


_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def volumes(path: Path) -> list[Volume]:
    """What there is to read below a path, in the order of names.

    Raises: OSError, where it does not exist or we may not look.
    """
    if path.is_file():
        if _is_archive(path.name) or zipfile.is_zipfile(path):
            return [_packed(path, path.name)]
        return [Volume("", _identity([path]), path.parent, (path.name,))]
    if not path.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such file or folder")
    found = [(file.relative_to(path).as_posix(), file) for file in _walk(path)]
    packed = [_packed(file, name) for name, file in found if _is_archive(name)]
    loose = [(name, file) for name, file in found if not _is_archive(name) and _is_wanted(name)]
    names = _in_order([name for name, _ in loose])
    kept = set(names)
    identity = _identity([file for name, file in loose if name in kept])
    return [*packed, Volume("", identity, path, names)] if names else packed


def _walk(path: Path) -> Iterator[Path]:
    """Every plain file below a folder, by name; links are not followed, wherever they lead."""
    os.scandir(path).close()  # os.walk passes over a folder that we may not read
    n = 0
    for folder, inner, files in os.walk(path):
        inner.sort()
        for name in sorted(files):
            file = Path(folder, name)
            if not name.startswith(".") and not name.endswith(_UNFINISHED) and not file.is_symlink() and file.is_file():
                yield file
                n += 1
        if n >= MAX_FILES:
            return


def _is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", *_TARS))


def _packed(path: Path, name: str) -> Volume:
    return Volume(name, _identity([path]), path)


def _identity(files: Sequence[Path]) -> str:
    digest = blake2b(digest_size=8)
    for file in files:
        stat = file.stat()
        digest.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _is_wanted(name: str) -> bool:
    base = PurePosixPath(name).name.lower()
    # archive_browser.html is the table of contents that Takeout adds.
    is_index = base.startswith("archive") and base.endswith((".html", ".htm"))
    return base.endswith(_WANTED) and not base.startswith(".") and not is_index and "__MACOSX" not in name


def _in_order(names: Sequence[str]) -> list[str]:
    """Those of Google+ where there are others too, in the order of reading.

    Pages come before JSON, which knows more: where an archive has both of one post, the JSON has the last word.
    """
    ours = [name for name in names if "google+" in name.lower()]
    return sorted(ours or names, key=lambda name: (name.lower().endswith(".json"), name))


@dataclass(frozen=True, slots=True)
class _Loose:
    path: Path
    names: Sequence[str]
    problem: str = ""

    def read(self, number: int) -> bytes:
        try:
            with (self.path / self.names[number]).open("rb") as stream:
                data = stream.read(MAX_FILE + 1)
        except PermissionError:
            raise Unreadable("we may not read it") from None
        if len(data) > MAX_FILE:
            raise Unreadable(f"larger than {MAX_FILE:,} bytes")
        return data


@dataclass
class _Zip:
    archive: zipfile.ZipFile
    names: Sequence[str] = field(init=False)
    problem: str = field(init=False, default="")

    def __post_init__(self) -> None:
        there = self.archive.infolist()
        wanted = [info for info in there[:MAX_FILES] if not info.is_dir() and _is_wanted(info.filename)]
        by_name = {info.filename: info for info in wanted}
        self._infos: list[zipfile.ZipInfo] = []
        total = 0
        for name in _in_order(list(by_name)):
            total += min(by_name[name].file_size, MAX_FILE)
            if total > MAX_TOTAL:
                break
            self._infos.append(by_name[name])
        self.names = [storable(info.filename)[:_LABEL] for info in self._infos]
        if total > MAX_TOTAL or len(there) > MAX_FILES:
            self.problem = (
                f"more than {MAX_TOTAL:,} bytes or {MAX_FILES:,} files; only the first {len(self.names):,} were read"
            )

    def read(self, number: int) -> bytes:
        info = self._infos[number]
        if info.flag_bits & _ENCRYPTED:
            raise Unreadable("encrypted")
        # Other ways of packing can ask for gigabytes of memory before the first byte comes out.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("packed in a way that Takeout does not use")
        if info.file_size > MAX_FILE:
            raise Unreadable(f"larger than {MAX_FILE:,} bytes")
        try:
            with self.archive.open(info) as stream:
                return stream.read(info.file_size + 1)
        except _BROKEN as error:
            raise Unreadable(_why(error)) from None
        except OSError as error:
            if error.errno == errno.EINVAL:  # a place before the beginning of the file, as the archive tells it
                raise Unreadable(_why(error)) from None
            raise


def _why(error: Exception) -> str:
    return storable(str(error))[:200] or type(error).__name__
