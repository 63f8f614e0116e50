"""Playbooks: the prepared course of action for a situation, parsed from Markdown.

A file begins with front matter in TOML between two lines of `+++` (name, title, for), then come numbered steps and,
under a heading that begins with "Do not", a list of what to avoid. Other text is for the people who read the file. A
step may say within what time and by whom: "3. [15m, the owner] Tell everyone who must know".
"""

import re
import tomllib
from typing import NoReturn

from monitor.core.durations import parse_duration
from monitor.core.reading import Section
from monitor.errors import ConfigError
from monitor.model import PlaybookBrief, StepPlan

_FENCE = re.compile(r"\+\+\+[ \t]*")
_STEP = re.compile(r"\d{1,3}[.)]\s+(.*)")
_PLAN = re.compile(r"\[(?P<within>\d{1,4}[smhd])(?:,\s*(?P<owner>[^\],]{1,60}))?\]\s+(?P<text>.+)")
_BULLET = re.compile(r"[-*]\s+(.*)")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def parse_playbook(text: str, file: str) -> PlaybookBrief:
    """A playbook file's text as a notice tells it.

    Raises: ConfigError naming the file and what is missing: refuse the configuration.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    fences = [number for number, line in enumerate(lines) if _FENCE.fullmatch(line)][:2]
    if len(fences) < 2 or fences[0] != 0:
        _refuse(file, "it must begin with front matter: TOML between two lines of +++")
    front = _read_front("\n".join(lines[1 : fences[1]]), file)
    name = front.text("name")
    if not _NAME.fullmatch(name):
        front.refuse("name", f"{name!r} must be made of small letters, digits and single hyphens")
    title, situation = front.text("title"), front.text("for")
    front.finish()
    steps, avoid = _read_body(lines[fences[1] + 1 :])
    if not steps:
        _refuse(file, 'it has no steps (lines such as "1. Tell everyone")')
    planned = [_read_plan(step) for step in steps]
    plans = tuple(plan for _, plan in planned) if any(plan != StepPlan() for _, plan in planned) else ()
    return PlaybookBrief(name, title, tuple(text for text, _ in planned), tuple(avoid), situation, plans)


def _read_plan(step: str) -> tuple[str, StepPlan]:
    """A step without the bracket before it, and what that says."""
    found = _PLAN.fullmatch(step)
    if found is None:
        return step, StepPlan()
    return found["text"], StepPlan((found["owner"] or "").strip(), parse_duration(found["within"]))


def _read_front(front: str, file: str) -> Section:
    try:
        return Section(file, "", tomllib.loads(front))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, "", f"its front matter is not TOML: {error}") from error


def _read_body(lines: list[str]) -> tuple[list[str], list[str]]:
    """The steps, and what to avoid; an indented line goes on with the entry above it."""
    steps: list[str] = []
    avoid: list[str] = []
    under: list[str] | None = None  # the list whose last entry may go on
    is_avoiding = False
    for line in lines:
        bare = line.strip()
        if heading := _HEADING.fullmatch(bare):
            is_avoiding, under = heading[1].casefold().startswith("do not"), None
        elif line[:1] in (" ", "\t") and under and bare:
            under[-1] += f" {bare}"
        elif entry := (_BULLET if is_avoiding else _STEP).fullmatch(bare):
            under = avoid if is_avoiding else steps
            under.append(entry[1].strip())
        else:
            under = None
    return steps, avoid


def _refuse(file: str, reason: str) -> NoReturn:
    raise ConfigError(file, "", reason)
