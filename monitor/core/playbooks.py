"""Playbooks: the prepared course of action for a situation, parsed from Markdown."""

from monitor.model import PlaybookBrief


def parse_playbook(text: str, file: str) -> PlaybookBrief:
    """A playbook file's text as a notice tells it.

    Raises: ConfigError naming the file and what is missing.
    """
    raise NotImplementedError
