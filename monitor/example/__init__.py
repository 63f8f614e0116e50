"""The bundled example: a made-up brand on a simulated platform, where the five situations happen in a minute.

Its story is in config/example/world.toml. Everything that it needs lies in one directory: the configuration as
the daemon reads it, the database, and when the story started.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from shlex import quote
from shutil import which
from threading import Lock
from types import TracebackType
from typing import Self

from monitor.errors import HeedfulError
from monitor.example.server import PlatformServer
from monitor.example.world import World, load_world
from monitor.files import NAME, shipped

DIRECTORY = Path("var") / "example"
_STORY = "story.json"
_PORT_IN_TEMPLATE = "http://127.0.0.1:0"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def start(directory: Path = DIRECTORY, *, port: int = 0, clock: Callable[[], datetime] = _utc_now) -> "Example":
    """Serve the simulated platform and write the configuration that reads it; close what is returned.

    `port` 0 takes the port of the last time, or any free one. The story goes on where it is by the clock; it
    starts when it is first read, so that a slow machine misses nothing of it.

    Raises: HeedfulError where the port is taken or the directory cannot be written to: show it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return Example(directory.resolve(), port, clock)
    except OSError as error:
        where = f"port {port}" if port and error.filename is None else f"the directory {directory}"
        raise HeedfulError(f"the example cannot use {where}: {error.strerror}") from error


class Example:
    """The example while it is served. `config_path` is what the daemon is to be started with."""

    def __init__(self, directory: Path, port: int, clock: Callable[[], datetime]) -> None:
        self.directory, self.config_path = directory, directory / NAME
        self._clock, self._starting = clock, Lock()
        self._story = directory / _STORY
        self._started_at, last_port = self._read_story()
        self.is_resumed = self._started_at is not None
        self._server = self._serve(port, last_port)
        self.base_url = self._server.base_url
        self._write_config()

    @property
    def is_over(self) -> bool:
        """Whether everything in the story has happened already."""
        return self._started_at is not None and self._clock() > self._world.ends_at

    def banner(self) -> str:
        """What a person should know who has just started the example."""
        command = "heedful" if which("heedful") else _shown(Path(sys.argv[0]).absolute())
        return f"""\
heedful, with its example: the made-up brand Tidewell Cycles, on a simulated platform at {self.base_url}
{self._plot()}
The messages below are what people would read on Slack and in GroupMe.
In another terminal:  export HEEDFUL_CONFIG={quote(str(self.config_path))}
                      {command} backlog        (or alerts, thread show ID, ack ID, status, --help)
Ctrl-C stops; starting again goes on from there. Everything is in {_shown(self.directory)}: delete it to begin anew.
"""

    def farewell(self) -> str:
        """What a person should know who has just stopped it."""
        goes_on = "what was alerted is not alerted again" if self.is_over else "it goes on where the story is by then"
        return f"\nStopped, and nothing is lost. Start it again the same way: {goes_on}."

    def close(self) -> None:
        """Stop the platform. The story goes on by the clock all the same."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _plot(self) -> str:
        if self.is_over:
            return "Its story has been told to the end: what was alerted is not alerted again."
        if self.is_resumed:
            return "Its story goes on where it is by now: what was alerted is not alerted again."
        return "Within the next minute five things go wrong for it, as they do for any business."

    @cached_property
    def _world(self) -> World:
        assert self._started_at is not None
        return load_world(shipped("config", "example", "world.toml"), self._started_at)

    def _world_now(self) -> tuple[World, datetime]:
        now = self._clock()
        with self._starting:
            if self._started_at is None:
                self._started_at = now
                self._write_story()
            return self._world, now

    def _serve(self, port: int, last_port: int) -> PlatformServer:
        try:
            return PlatformServer(port or last_port, self._world_now)
        except OSError:
            if port:
                raise
            return PlatformServer(0, self._world_now)  # someone else has taken the port of the last time

    def _read_story(self) -> tuple[datetime | None, int]:
        """When the story started and on which port; a story without its database starts again."""
        if not self._story.exists() or not (self.directory / "heedful.db").exists():
            return None, 0
        story = json.loads(self._story.read_text(encoding="utf-8"))
        return datetime.fromisoformat(story["started_at"]), int(story["port"])

    def _write_story(self) -> None:
        assert self._started_at is not None
        story = {"started_at": self._started_at.isoformat(), "port": self._server.port}
        _replace(self._story, json.dumps(story))

    def _write_config(self) -> None:
        template = shipped("config", "example", NAME).read_text(encoding="utf-8")
        beside = json.dumps(str(shipped("config")))[1:-1]
        text = template.replace(_PORT_IN_TEMPLATE, self.base_url).replace('"../', f'"{beside}/')
        _replace(
            self.config_path, f"# Written at each start of `heedful run --example`: changes here are lost.\n{text}"
        )


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader finds either the old or the new one, whole."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
