"""heedful connectors: what can be read and where people can be told, with every setting."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.core.durations import show_duration
from monitor.errors import NotFound

COLUMNS = (
    show.Column("NAME"),
    show.Column("READS OR TELLS"),
    show.Column("ABOUT", flexible=True, least=30),
    show.Column("CANNOT NOTICE", flexible=True, least=12),
)
ABILITIES = ("replies", "late_replies", "edits", "deletions", "own_posts")


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def connectors(_call: Call, /, name: str | None, as_json: bool) -> None:
    """Show what can be read and where people can be told; with a NAME, its abilities and settings."""
    from monitor.app import parts

    readers, tellers = parts()
    if name:
        found = [part for part in (readers, tellers) if name in part or ":" in name]
        if not found:
            from monitor.core.nearest import nearest

            raise NotFound(f'there is no connector or channel "{name}"{nearest(name, [*readers, *tellers])}')
        described = [describe(name, found[0][name])]
    else:
        described = [describe(n, part[n]) for part in (readers, tellers) for n in part]
    if as_json:
        for one in described:
            show.json_line(one)
    elif name:
        for line in _page(described[0]):
            click.echo(line)
    else:
        show.table(COLUMNS, [_row(one) for one in described])
        show.hint("heedful connectors NAME shows its settings.")


def describe(name: str, found: type[Any]) -> dict[str, Any]:
    """What there is to know of a connector or channel class."""
    from monitor.settings.reading import secret_names

    fields = found.Settings.model_fields
    secrets = secret_names(found.Settings)
    settings = [
        {
            "name": field,
            "about": " ".join((info.description or "").split()),
            "is_required": info.is_required(),
            "default": None if info.is_required() or field in secrets else info.get_default(call_default_factory=True),
            "is_secret": field in secrets,
        }
        for field, info in fields.items()
    ]
    abilities = getattr(found, "abilities", None)
    noticed = {ability: getattr(abilities, ability) for ability in ABILITIES} if abilities else {}
    about = " ".join((found.__doc__ or "").strip().split("\n\n")[0].split())
    return {"name": name, "reads": abilities is not None, "about": about, "abilities": noticed, "settings": settings}


def _row(one: dict[str, Any]) -> list[str]:
    cannot = ", ".join(name.replace("_", " ") for name, says in one["abilities"].items() if says != "yes")
    return [one["name"], "reads" if one["reads"] else "tells", one["about"], cannot]


def _page(one: dict[str, Any]) -> Iterator[str]:
    from textwrap import wrap

    wide = show.width() or 100
    yield f"{one['name']}: {one['about']}"
    if one["abilities"]:
        yield ""
        yield "Notices:"
    for name, says in one["abilities"].items():
        yield f"  {name.replace('_', ' ')}: {says}"
    yield ""
    yield "Settings:"
    for setting in one["settings"]:
        yield f"  {_setting_line(setting)}"
        yield from wrap(setting["about"], wide, initial_indent="      ", subsequent_indent="      ")


def _setting_line(setting: dict[str, Any]) -> str:
    name: str = setting["name"]
    if setting["is_secret"]:
        name = f"{name}_env or {name}_file"
    if setting["is_required"]:
        return f"{name} (needed)"
    default = setting["default"]
    return name if default in (None, "", (), [], {}) else f"{name} = {_toml(default)}"


def _toml(value: Any) -> str:
    return json.dumps(show_duration(value) if isinstance(value, timedelta) else value, default=show.plain)
