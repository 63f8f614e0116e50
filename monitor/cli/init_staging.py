"""A first configuration in the making: complete in a folder of its own, and put in its place all at once at the end."""

import errno
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from monitor.cli.call import Call
from monitor.cli.endings import UNUSABLE, Failure
from monitor.cli.init_toml import Draft, render

_ENDS = (signal.SIGHUP, signal.SIGTERM)


class Staging:
    """Where everything is until it is put in its place: the file, the secrets, the key, the database.

    It lies beside that place, so that a move is a rename; names are chosen that are free there. Until `place` nothing
    can be seen of it, and after `discard` nothing is left.
    """

    def __init__(self, target: Path) -> None:
        self.target = target.absolute()
        there = next(folder for folder in self.target.parents if folder.is_dir())
        try:
            self.home = Path(tempfile.mkdtemp(prefix=".heedful-init-", dir=there))  # only we may enter it
        except OSError as error:
            raise Failure(f"{there} cannot be written to ({error.strerror}); name another place", UNUSABLE) from None
        stem = self.target.stem
        self.secrets, self.key, self.database = (
            self._free(f"{stem}{ending}") for ending in ("-secrets", ".key", ".db")
        )

    @property
    def file(self) -> Path:
        return self.home / self.target.name

    def _free(self, name: str) -> str:
        stem, ending = os.path.splitext(name)
        names = (name, *(f"{stem}-{number}{ending}" for number in range(2, 10_000)))
        return next(one for one in names if not os.path.lexists(self.target.parent / one))

    def keep_secret(self, name: str, secret: str) -> str:
        """Put a secret into a file that only its owner may read; how the configuration names it."""
        folder = self.home / self.secrets
        folder.mkdir(mode=0o700, exist_ok=True)
        place = folder / name
        place.unlink(missing_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secret + "\n")
        return f"{self.secrets}/{name}"

    def forget_secrets(self, prefix: str) -> None:
        """Leave nothing of a platform that was skipped after all."""
        for file in (self.home / self.secrets).glob(f"{prefix}.*"):
            file.unlink()

    @contextmanager
    def call(self, draft: Draft) -> Iterator[Call]:
        """A call of the command line that works with the draft as it is now."""
        self.file.write_text(render(draft), encoding="utf-8")
        call = Call(str(self.file))
        try:
            yield call
        finally:
            call.close()

    def place(self, draft: Draft, replaces: bool) -> Path | None:
        """Put everything in its place, the configuration last; where the replaced one is kept.

        Raises: Failure, with everything as it was.
        """
        with _undisturbed():
            return self._place(draft, replaces)

    def _place(self, draft: Draft, replaces: bool) -> Path | None:
        database = self.home / self.database
        database.touch()
        database.chmod(0o600)  # what people write to a business is nobody else's to read
        self.file.write_text(render(draft), encoding="utf-8")
        home = self.target.parent
        moved: list[tuple[Path, Path]] = []
        made = [folder for folder in (home, *home.parents) if not folder.exists()]
        kept = home / self._free(f"{self.target.name}.old") if replaces and self.target.exists() else None
        try:
            home.mkdir(parents=True, exist_ok=True)
            for path in sorted(self.home.iterdir()):
                if path != self.file:
                    _move(path, home / path.name, moved)
            if kept:
                _move(self.target, kept, moved)
            self._link()
        except OSError as error:
            for source, target in reversed(moved):
                target.rename(source)
            for folder in made:
                if folder.exists():
                    folder.rmdir()
            raise Failure(f"{self.target} could not be written: {error.strerror}. Nothing was changed.") from None
        return kept

    def _link(self) -> None:
        """Appear under the final name at once and whole, and never in place of a file that came meanwhile."""
        try:
            os.link(self.file, self.target)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
                raise
            with self.target.open("x", encoding="utf-8") as file:  # a file system without links
                file.write(self.file.read_text(encoding="utf-8"))

    def discard(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, f"{target.name} is there already")
    source.rename(target)
    moved.append((source, target))


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A few renames that must all happen or none: whoever wants to stop them waits a moment."""
    before = {name: signal.signal(name, signal.SIG_IGN) for name in (signal.SIGINT, *_ENDS)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def staging(target: Path) -> Iterator[Staging]:
    """A folder for the configuration in the making; gone afterwards, whatever ends it (Ctrl-C, a line hung up)."""
    place = Staging(target)
    before = {name: signal.signal(name, _interrupt) for name in _ENDS}
    try:
        yield place
    finally:
        place.discard()
        for name, handler in before.items():
            signal.signal(name, handler)


def _interrupt(_signal: int, _frame: FrameType | None) -> Any:
    raise KeyboardInterrupt
