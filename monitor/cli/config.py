"""heedful config: which configuration is used, and its JSON Schema."""

import os
from pathlib import Path

import click

from monitor.cli.call import Call, pass_call
from monitor.cli.family import Family
from monitor.files import shipped, usual_places


@click.group(cls=Family)
def config() -> None:
    """Say which configuration is used; print its JSON Schema."""


@config.command()
@pass_call
def path(call: Call, /) -> None:
    """Say which file is used, and where else one would be found."""
    click.echo(call.file)
    if call.file == shipped("config", "heedful.toml"):
        click.echo("This is the one that comes with heedful. Yours would be found at:", err=True)
        for place in usual_places(os.environ, Path()):
            click.echo(f"  {place}", err=True)


@config.command()
def schema() -> None:
    """Print the JSON Schema of heedful.toml, for editors that complete and check TOML."""
    from monitor.app import parts
    from monitor.settings.schema import schema_text

    click.echo(schema_text(*parts()), nl=False)
