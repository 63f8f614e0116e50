"""Writes the reference part of docs/commands.md from the commands themselves: `python -m tests.cli.manual`."""

from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli.root import COMMANDS, heedful

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"
MARK = "a test holds it to the code. -->\n"


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command with its full name, groups before what is in them."""
    root = click.Context(heedful, info_name="heedful", help_option_names=["-h", "--help"])
    for name in COMMANDS:
        command = heedful.get_command(root, name)
        assert command is not None
        context = click.Context(command, parent=root, info_name=name, terminal_width=100, max_content_width=100)
        yield f"heedful {name}", command, context
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None
                below = click.Context(found, parent=context, info_name=inner, terminal_width=100, max_content_width=100)
                yield f"heedful {name} {inner}", found, below


def reference() -> str:
    """The Markdown of every command."""
    parts = []
    for name, command, context in commands():
        help_text = command.get_help(context).strip()
        parts.append(f"\n## {name}\n\n```\n{help_text}\n```\n")
    return "".join(parts)


def page(text: str) -> str:
    """The page with its reference part renewed."""
    kept, mark, _ = text.partition(MARK)
    assert mark, f"{PAGE} has lost its mark"
    return kept + mark + reference()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
