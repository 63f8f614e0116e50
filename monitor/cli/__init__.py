"""The command line: one file for each family of commands, imported when it is called."""


def main() -> None:
    """The `heedful` command."""
    from monitor.cli.root import heedful

    heedful.main(prog_name="heedful")
