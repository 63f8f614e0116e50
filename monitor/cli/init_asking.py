"""Asking a person: plain questions at the terminal, whose answers are checked, explained and asked for again."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, TypeVar

import click
from pydantic import BaseModel

from monitor.cli.init_questions import Question, fault, read_choice, read_typed, read_yes
from monitor.core.text import printable
from monitor.files import read_secret

T = TypeVar("T")
WIDEST = 100


def say(text: str = "", indent: str = "") -> None:
    """A paragraph, as wide as the terminal and no wider than one likes to read."""
    wide = min(shutil.get_terminal_size().columns, WIDEST)
    lines = wrap(
        printable(text), wide, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    for line in lines or [""]:
        click.echo(line)


def sentence(text: str) -> str:
    """With a full stop, unless it ends by itself."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def heading(text: str) -> None:
    click.echo()
    click.echo(click.style(text, bold=True))


def ask(label: str, read: Callable[[str], T], default: str = "", *, hidden: bool = False) -> T:
    """What was typed, as `read` understands it; its ValueError is shown and the question asked again.

    Enter gives the default. Raises: click.Abort on Ctrl-C, or where nobody is there to answer.
    """
    while True:
        typed: str = click.prompt(label, default, hidden, show_default=bool(default) and not hidden, type=str)
        try:
            typed.encode()
            return read(typed.strip())
        except UnicodeEncodeError:
            say("Some of that is not text that can be kept. Please type it again.", "  ")
        except ValueError as error:
            say(str(error), "  ")


def ask_yes(label: str, default: bool) -> bool:
    return ask(f"{label} (y/n)", read_yes, "y" if default else "n")


def ask_choice(label: str, choices: Sequence[str], default: str) -> str:
    """One of a few words; a beginning or the number will do."""
    return ask(f"{label} ({', '.join(choices)})", lambda typed: read_choice(typed, choices), default)


def ask_setting(model: type[BaseModel], question: Question, before: Any = None) -> Any:
    """The answer to one setting's question, None where it is left alone; `before` is what was answered last time."""
    click.echo()
    say(f"{question.name}: {question.says}", "  ")
    for number, choice in enumerate(question.choices, 1):
        click.echo(f"    {number}  {choice}")
    known = before if before is not None else question.default
    is_hidden = question.way == "secret"
    hints = _hints(question, before)
    label = f"  {question.name}{f' ({hints})' if hints else ''}"
    shown = "" if is_hidden else _typed(known)

    def read(typed: str) -> Any:
        return _read(model, question, before, typed)

    return ask(label, read, shown, hidden=is_hidden)


def _hints(question: Question, before: Any) -> str:
    hints = []
    if question.way == "secret":
        hints += ["not shown while you type", "@file takes it from a file"]
        hints += ["Enter keeps the one from before"] if before else []
    if question.way == "list":
        hints.append("several with commas between")
    if question.way == "yes_no":
        hints.append("y/n")
    if question.way == "toml":
        hints.append("as TOML writes it")
    if not question.is_required and before is None and question.default in (None, "", []):
        hints.append("Enter leaves it out")
    elif not question.is_required and before is not None:
        hints.append('"-" takes it away')
    return ", ".join(hints)


def _typed(value: Any) -> str:
    """A known answer as one would type it."""
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return "y" if value else "n"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _read(model: type[BaseModel], question: Question, before: Any, typed: str) -> Any:
    if typed == "-" and not question.is_required:
        return None
    if question.way == "secret" and not typed and before:
        return before
    if question.way == "secret" and typed.startswith("@"):
        typed, _ = read_secret(Path(typed[1:]).expanduser())
    value = read_typed(question, typed)
    if value is None or value == []:
        if question.is_required:
            raise ValueError("This one is needed. (Ctrl-C ends everything, and nothing is written.)")
        return None
    if says := fault(model, question.name, value):
        raise ValueError(sentence(f"That does not work: {says}"))
    return value
