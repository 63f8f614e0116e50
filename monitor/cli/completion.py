"""heedful completion: for the shell."""

import click

HOW = {
    "bash": "heedful completion bash > ~/.local/share/bash-completion/completions/heedful",
    "zsh": 'heedful completion zsh > "${fpath[1]}/_heedful"',
    "fish": "heedful completion fish > ~/.config/fish/completions/heedful.fish",
}


@click.command(epilog="\b\n" + "\n".join(HOW.values()))
@click.argument("shell", type=click.Choice(list(HOW)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes your shell complete heedful's commands, options, brands and sources. Once:"""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "heedful", "_HEEDFUL_COMPLETE").source())
