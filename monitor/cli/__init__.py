"""The command line."""


def main() -> None:
    """The `heedful` command."""
