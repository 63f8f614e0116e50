"""How a command ends: its exit codes (docs/commands.md promises them) and what a failure looks like."""

from typing import Any

import click

FAILED, UNUSABLE, ATTENTION = 1, 2, 3


class Failure(click.ClickException):
    """What went wrong, in words for a person."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click declares it for the class and reads it from the instance

    def show(self, file: Any = None) -> None:
        click.echo(f"heedful: {self.message}", file=file, err=True)
