"""The `heedful` command: its families of commands, its exit codes, and what a failure looks like to a person."""

from importlib import import_module
from typing import Any

import click

from monitor.cli.call import Call
from monitor.cli.endings import FAILED, UNUSABLE, Failure
from monitor.errors import ConfigError, HeedfulError, NotFound

# name -> (where it is, what it does): shown by `heedful --help`, which imports none of them
COMMANDS = {
    "init": ("monitor.cli.init:init", "Write a first configuration: asks, tries each answer, shows who waits."),
    "run": ("monitor.cli.run:run", "Watch: read the sources, assess, tell people. Until Ctrl-C."),
    "check": ("monitor.cli.check:check", "Say whether the configuration, each source and each channel would work."),
    "backlog": ("monitor.cli.backlog:backlog", "Show who waits for an answer, most urgent first."),
    "thread": ("monitor.cli.thread:thread", "Show a conversation; close, snooze, assign, note, correct its flags."),
    "alerts": ("monitor.cli.alerts:alerts", "Show what people are being told about."),
    "ack": ("monitor.cli.alerts:ack", "Take an alert on."),
    "step": ("monitor.cli.crisis:step", "Take on a step of an alert's plan, or say that it is done."),
    "snooze": ("monitor.cli.alerts:snooze", "Tell nobody about one alert for a while."),
    "digest": ("monitor.cli.digest:digest", "Print the morning's backlog, the week, or what is held. Sends nothing."),
    "silence": ("monitor.cli.silence:silence", "Tell nobody about some alerts for a while."),
    "routes": ("monitor.cli.routes:routes", "Show who is told of what, or try it on an alert and a time."),
    "status": ("monitor.cli.status:status", "Say how heedful itself is doing."),
    "sources": ("monitor.cli.sources:sources", "Show each watched place and when it was last read."),
    "quota": ("monitor.cli.quota:quota", "Show what reading costs, and intervals that fit each account's budget."),
    "poll": ("monitor.cli.sources:poll", "Read sources now instead of when they are due."),
    "fetch": ("monitor.cli.fetch:fetch", "Show what a source returns now; store nothing."),
    "import": ("monitor.cli.importing:import_", "Take in a file or archive of old comments; none of them alerts."),
    "export": ("monitor.cli.export:export", "Write out stored comments or threads."),
    "rules": ("monitor.cli.rules:rules", "Show the rules, try them on a text, or replay them over what is stored."),
    "classify": ("monitor.cli.classify:classify", "Say what the signals hear in texts from standard input."),
    "evaluate": ("monitor.cli.evaluate:evaluate", "Score the signals on a labelled file."),
    "auth": ("monitor.cli.auth:auth", "Get a platform's permission for an account, or show what there is."),
    "connectors": ("monitor.cli.connectors:connectors", "Show what can be read and where people can be told."),
    "config": ("monitor.cli.config:config", "Say which configuration is used; print its JSON Schema."),
    "db": ("monitor.cli.db:db", "Bring the database up to date, or say where it stands."),
    "completion": ("monitor.cli.completion:completion", "Print what makes your shell complete heedful's commands."),
}


class Lazy(click.Group):
    """Commands that are imported when they are called; failures are told without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click passes it
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from monitor.core.nearest import nearest

            raise click.UsageError(f'there is no command "{args[0]}"{nearest(args[0], COMMANDS)}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeedfulError as error:
            raise Failure(str(error), UNUSABLE if isinstance(error, ConfigError | NotFound) else FAILED) from error
        except click.ClickException:
            raise
        except Exception as error:
            raise _explained(error) from error


def _explained(error: Exception) -> Exception:
    """A database that is away or not set up, as a Failure; anything else as it is (a fault of ours: its traceback)."""
    if type(error).__module__ != "sqlalchemy.exc":
        return error
    says = str(getattr(error, "orig", error)).strip().splitlines()[0]
    if "no such table" in says or "does not exist" in says:
        return Failure(f"the database is not set up ({says}); run: heedful db upgrade")
    return Failure(f"the database does not answer: {says}")


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--config", "-c", metavar="FILE", help="The configuration; otherwise HEEDFUL_CONFIG or the usual places.")
@click.version_option(package_name="heedful", message="%(prog)s %(version)s")
@click.pass_context
def heedful(ctx: click.Context, config: str | None) -> None:
    """Watches your comments on every platform, so that nobody is left unanswered and no mistake goes unnoticed.

    Exit codes: 0 done, 1 failed, 2 what was typed or configured cannot be used, 3 something needs your attention.
    """
    if not isinstance(ctx.obj, Call):
        ctx.obj = Call(config)
    ctx.call_on_close(ctx.obj.close)
