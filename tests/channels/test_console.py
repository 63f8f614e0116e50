"""What is the terminal's alone: whole messages, colour only where it is seen, and streams that are closed."""

import io
import threading
from dataclasses import replace

import pytest

from monitor.channels.console import Console, ConsoleSettings
from monitor.errors import Unavailable
from monitor.http import HttpClient
from tests.channels.notices import FIRST, NOW

HTTP = HttpClient()


def test_messages_of_many_threads_do_not_mix() -> None:
    class Slow(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.inside, self.n_mixed = 0, 0

        def write(self, text: str) -> int:
            self.inside += 1
            self.n_mixed += self.inside > 1
            threading.Event().wait(0.005)
            self.inside -= 1
            return super().write(text)

    stream = Slow()
    channels = [Console(ConsoleSettings(title=str(n)), HTTP, stream) for n in range(4)]
    message = channels[0].render(FIRST, NOW)
    threads = [threading.Thread(target=each.send, args=(message, "0d", NOW)) for each in channels for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.n_mixed == 0
    assert stream.getvalue().count("╭") == stream.getvalue().count("╰") == 12


def test_a_file_gets_no_colours() -> None:
    stream = io.StringIO()
    console = Console(ConsoleSettings(), HTTP, stream)
    console.send(console.render(FIRST, NOW), "0delivery", NOW)
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    console = Console(ConsoleSettings(), HTTP, stream)
    console.send(console.render(FIRST, NOW), "0delivery", NOW)
    assert "\x1b[" in stream.getvalue()


def test_a_terminal_that_knows_only_ascii_still_gets_its_message() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    console = Console(ConsoleSettings(title="#café"), HTTP, stream)
    console.send(console.render(FIRST, NOW), "0delivery", NOW)
    assert b"heedful ack" in raw.getvalue()


def test_a_closed_stream_is_unavailable() -> None:
    stream = io.StringIO()
    console = Console(ConsoleSettings(), HTTP, stream)
    message = console.render(FIRST, NOW)
    stream.close()
    with pytest.raises(Unavailable):
        console.send(message, "0delivery", NOW)


def test_a_message_in_parts_is_one_box() -> None:
    stream = io.StringIO()
    console = Console(ConsoleSettings(imitate="groupme"), HTTP, stream)
    steps = tuple(f"Step {n}: " + "do what has to be done, and do it soon " * 4 for n in range(9))
    assert FIRST.playbook is not None
    message = console.render(replace(FIRST, playbook=replace(FIRST.playbook, steps=steps)), NOW)
    assert len(message.payloads) > 1
    console.send(message, "0delivery", NOW)
    assert stream.getvalue().count("╭") == 1
    assert "(2/" in stream.getvalue()
