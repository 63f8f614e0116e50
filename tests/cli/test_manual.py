import pytest

from monitor.cli.root import COMMANDS
from tests.cli.manual import PAGE, commands, page
from tests.cli.shop import Shop

EVERY = list(commands())


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "renew it: python -m tests.cli.manual"


@pytest.mark.parametrize(("name", "command"), [(name, command) for name, command, _ in EVERY])
def test_every_command_and_option_says_what_it_does(name: str, command: object) -> None:
    import click

    assert isinstance(command, click.Command)
    assert command.help, name
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help and p.name != "form"]
    assert silent == []


@pytest.mark.parametrize("name", [name for name, _, _ in EVERY])
def test_every_command_answers_to_help(shop: Shop, name: str) -> None:
    assert shop.run(*name.split()[1:], "--help").stdout.startswith("Usage: ")


def test_the_first_screen_lists_every_command_and_imports_none(shop: Shop) -> None:
    shown = shop.run("--help").stdout
    assert [name for name in COMMANDS if f"  {name} " not in shown] == []


def test_a_command_that_is_mistyped_names_the_nearest(shop: Shop) -> None:
    assert 'did you mean "backlog"' in shop.run("baklog", code=2).stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shop: Shop, shell: str) -> None:
    assert "_HEEDFUL_COMPLETE" in shop.run("completion", shell).stdout


def test_the_shell_completes_sources_and_brands_and_survives_a_broken_configuration(shop: Shop) -> None:
    def completed(words: str, at: int) -> str:
        return shop.run(_HEEDFUL_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(at)).stdout

    assert completed("heedful fetch le", 2).split() == ["plain,letters"]
    assert completed("heedful backlog --brand c", 3).split() == ["plain,cafe"]
    shop.config.write_text("[[[")
    assert completed("heedful fetch le", 2).split() == []
