"""A shop with one drop folder, driven through the command line as people do, over a real store."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from monitor.cli.root import heedful

ANGRY = "This is UNACCEPTABLE, worst shop ever, you should be ashamed!!!"
CONFIG = """
[database]
url = "sqlite:///shop.db"
[brands.shop]
name = "The Corner Shop"
timezone = "Europe/London"
team = ["@cornershop"]
[brands.cafe]
[sources.letters]
brand = "shop"
connector = "file"
path = "{drop}"
settle = "0s"
[channels.console]
kind = "console"
[alerts]
group_wait = "0s"
"""


@dataclass
class Shop:
    """The configuration and store of one test; `run` is one call of the command line."""

    directory: Path
    n_written: int = 0

    def __post_init__(self) -> None:
        self.drop.mkdir(exist_ok=True)
        self.config.write_text(CONFIG.format(drop=self.drop), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.directory / "heedful.toml"

    @property
    def drop(self) -> Path:
        return self.directory / "drop"

    def run(self, *arguments: str, code: int = 0, **environ: str) -> Result:
        """The result of a call that must end with this exit code."""
        env = {"HEEDFUL_CONFIG": str(self.config), "HEEDFUL_USER": "jane", "COLUMNS": "200", **environ}
        result = CliRunner().invoke(heedful, arguments, env=env)
        assert result.exit_code == code, f"{arguments} ended with {result.exit_code}:\n{result.output}"
        return result

    def lines(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """What a call with --json prints."""
        return [json.loads(line) for line in self.run(*arguments, "--json", code=code).stdout.splitlines()]

    def say(self, *said: tuple[str, timedelta, str], **fields: Any) -> None:
        """Drop a file of comments: (author, how long ago, text)."""
        self.n_written += 1
        path = self.drop / f"{self.n_written:03}.jsonl"
        path.write_text("".join(self.row(*one, **fields) for one in said), encoding="utf-8")

    def row(self, author: str, ago: timedelta, text: str, **fields: Any) -> str:
        at = datetime.now(UTC) - ago
        values = {"author_native_id": author, "author_name": author.title(), "created_at": at.isoformat(), "text": text}
        return json.dumps({"native_id": f"{author}-{at.timestamp():.0f}", **values, **fields}) + os.linesep
