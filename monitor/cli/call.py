"""One call of the command line: its configuration, its store and its clock, each opened when it is first needed."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.core.durations import parse_duration
from monitor.errors import NotFound
from monitor.files import find_config
from monitor.glance import Glance, glance

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from monitor.app import App
    from monitor.settings import Settings


class Call:
    """What every command is given. `now` is one instant for the whole call."""

    def __init__(self, config: str | None = None, now: datetime | None = None) -> None:
        self._config = config
        self.now = now or datetime.now(UTC)

    @cached_property
    def file(self) -> Path:
        return find_config(self._config)

    @property
    def named(self) -> Path | None:
        """The configuration that was named, whether or not it is there."""
        named = self._config or os.environ.get("HEEDFUL_CONFIG")
        return Path(named) if named else None

    @cached_property
    def glance(self) -> Glance:
        return glance(self.file)

    @cached_property
    def settings(self) -> "Settings":
        """The whole configuration, validated.

        Raises: ConfigError.
        """
        from monitor.app import read_settings

        return read_settings(self.file)

    @cached_property
    def app(self) -> "App":
        """The parts as the daemon has them; nothing is contacted or upgraded yet."""
        from monitor.app import build

        return build(self.settings)

    @cached_property
    def engine(self) -> "Engine":
        """The store, which must be there: only `run`, `import` and `db upgrade` make one.

        Raises: NotFound.
        """
        from monitor.store.engine import open_engine

        url = self.glance.database_url
        file = url.partition(":///")[2]
        if url.startswith("sqlite") and file and not Path(file).is_file():
            raise NotFound(f"there is no database at {file} yet; `heedful run` makes it")
        return open_engine(url)

    def close(self) -> None:
        """Let go of whatever was opened."""
        if "app" in self.__dict__:
            self.app.close()
        if "engine" in self.__dict__:
            self.engine.dispose()

    @contextmanager
    def reading(self) -> "Iterator[Connection]":
        from monitor.store.engine import reading

        with reading(self.engine) as connection:
            yield connection

    @contextmanager
    def writing(self) -> "Iterator[Connection]":
        from monitor.store.engine import writing

        with writing(self.engine) as connection:
            yield connection

    @property
    def who(self) -> str:
        """Who is recorded as having done it: HEEDFUL_USER, or the name of the account on this machine."""
        if name := os.environ.get("HEEDFUL_USER"):
            return name
        import getpass

        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return "someone at the command line"

    def known(self, what: str, name: str, names: Mapping[str, Any] | None = None) -> str:
        """The name of a brand or source that was typed, if there is one.

        Raises: NotFound with the nearest.
        """
        there = (self.glance.brands if what == "brand" else self.glance.sources) if names is None else names
        if name and name not in there:
            from monitor.core.nearest import nearest

            raise NotFound(f'there is no {what} "{name}"{nearest(name, there)}')
        return name


pass_call = click.make_pass_decorator(Call)


class Duration(click.ParamType[timedelta]):
    """A duration as the configuration has them."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()


def complete_brand(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: the brands that begin so."""
    return _complete(ctx, "brands", incomplete)


def complete_source(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """For the shell: the sources that begin so."""
    return _complete(ctx, "sources", incomplete)


def _complete(ctx: click.Context, what: str, incomplete: str) -> list[str]:
    call = Call(ctx.find_root().params.get("config"))
    try:
        names: Mapping[str, Any] = getattr(call.glance, what)
    except Exception:  # a broken configuration must not break typing
        return []
    return sorted(name for name in names if name.startswith(incomplete))
