"""heedful db: the database's schema."""

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.cli.endings import ATTENTION
from monitor.cli.family import Family
from monitor.files import shipped


@click.group(cls=Family)
def db() -> None:
    """Bring the database up to date, or say where it stands."""


@db.command()
@pass_call
def upgrade(call: Call, /) -> None:
    """Make the database, or bring it to the schema of this version; `heedful run` does it by itself."""
    from monitor.store import migrate
    from monitor.store.engine import open_engine

    engine = open_engine(call.glance.database_url)
    before, after = migrate.upgrade(engine, shipped("migrations"))
    engine.dispose()
    click.echo(f"Up to date at {after}." if before == after else f"Upgraded from {before or 'nothing'} to {after}.")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_call
def status(call: Call, /, as_json: bool) -> None:
    """Say where the database is and whether its schema is this version's (exit code 3 if not)."""
    from monitor.store import migrate

    present, wanted = migrate.present(call.engine), migrate.newest(shipped("migrations"))
    where = call.engine.url.render_as_string(hide_password=True)
    if as_json:
        show.json_line({"url": where, "revision": present, "wanted": wanted})
    else:
        says = "up to date" if present == wanted else f"this version wants {wanted}: heedful db upgrade"
        click.echo(f"{where}\nAt {present or 'no revision'}, {says}.")
    if present != wanted:
        raise SystemExit(ATTENTION)
