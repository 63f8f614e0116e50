"""What each channel would post, written down in tests/golden/channels and read by people when it changes.

`python -m tests.channels.test_goldens` writes them anew.
"""

import io
import json
from pathlib import Path

import pytest

from monitor.channels.console import Console, ConsoleSettings
from monitor.http import HttpClient
from tests.channels.notices import NOTICES, NOW
from tests.channels.test_contract import REMOTE, make

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "channels"
CASES = [(kind, name) for kind in (*REMOTE, "email", "apprise") for name in sorted(NOTICES)]
SCREENS = [
    (imitate, name) for imitate in ("slack", "groupme") for name in ("first", "resolved", "private", "operators")
]


def payloads(kind: str, name: str) -> str:
    message = make(kind).render(NOTICES[name], NOW)
    if kind == "groupme":
        return "\n=====\n".join(payload["text"] for payload in message.payloads) + "\n"
    return json.dumps(message.payloads, indent=1, ensure_ascii=False) + "\n"


def screen(imitate: str, name: str) -> str:
    title = {"slack": "#customer-care", "groupme": "Owners"}[imitate]
    stream = io.StringIO()
    http = HttpClient()
    console = Console(ConsoleSettings(imitate=imitate, title=title), http, stream)  # type: ignore[arg-type]
    console.send(console.render(NOTICES[name], NOW), "0delivery", NOW)
    http.close()
    return stream.getvalue()


def file_of(kind: str, name: str) -> Path:
    return GOLDEN / f"{kind}-{name}.{'txt' if kind.startswith(('groupme', 'console')) else 'json'}"


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_channel_posts_what_its_golden_says(kind: str, name: str) -> None:
    assert payloads(kind, name) == file_of(kind, name).read_text("utf-8")


@pytest.mark.parametrize(("imitate", "name"), SCREENS)
def test_the_terminal_shows_what_its_golden_says(imitate: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")  # the terminal's, which is not ours
    assert screen(imitate, name) == file_of(f"console-{imitate}", name).read_text("utf-8")


def test_there_is_no_golden_that_nobody_compares() -> None:
    compared = {file_of(*case) for case in CASES} | {file_of(f"console-{imitate}", name) for imitate, name in SCREENS}
    assert set(GOLDEN.iterdir()) == compared


if __name__ == "__main__":
    import os

    os.environ["COLUMNS"] = "100"
    for case in CASES:
        file_of(*case).write_text(payloads(*case), "utf-8")
    for imitated, told in SCREENS:
        file_of(f"console-{imitated}", told).write_text(screen(imitated, told), "utf-8")
