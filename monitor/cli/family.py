"""A command with commands of its own, whose help says in full what each of them does."""

import click


class Family(click.Group):
    """Click's own list cuts each line at the width of the terminal; here it goes on below."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(1_000)) for name, command in found if command])
