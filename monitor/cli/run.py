"""heedful run: the daemon."""

import sys
from contextlib import ExitStack

import click

from monitor.cli.call import Call, pass_call
from monitor.cli.endings import UNUSABLE


@click.command()
@click.option("--example", is_flag=True, help="A made-up brand on a simulated platform on this machine; needs nothing.")
@click.option("--port", default=0, type=click.IntRange(0, 65_535), help="Of the simulated platform; otherwise any.")
@pass_call
def run(call: Call, /, example: bool, port: int) -> None:
    """Watch: read the sources, assess what they say, tell people. Until Ctrl-C.

    SIGHUP reads the configuration again; one that cannot be used is refused and the old one stays.
    """
    with ExitStack() as stack:
        if example:
            from monitor import example as story

            started = stack.enter_context(story.start(port=port))
            click.echo(started.banner())
            call = Call(str(started.config_path))
        _run(call, is_quiet=example)
        if example:
            click.echo(started.farewell())


def _run(call: Call, is_quiet: bool) -> None:
    from monitor import log
    from monitor.app import build
    from monitor.scheduler import Daemon

    settings = call.settings
    quiet = is_quiet and settings.daemon.log_format == "auto" and sys.stderr.isatty()
    log.start(settings.daemon.log_format, level="warning" if quiet else "info")
    for warning in settings.warnings:
        log.get().warning("config.warned", says=warning)
    if not settings.sources:
        click.echo(
            f"heedful: {call.file} names no sources, so there is nothing to watch; begin with `heedful init`", err=True
        )
        sys.exit(UNUSABLE)
    Daemon(build(settings)).run()
