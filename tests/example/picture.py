"""`python -m tests.example.picture` draws docs/alert.svg: one message of `heedful run --example`.

The example is run in a terminal for half a minute: the picture is what that terminal got.
"""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "alert.svg"
ROOM, HEADING = "Slack · #customer-care", "HIGH · Several people point out a mistake in one post"
COLUMNS = 92
PATIENCE = 120  # seconds until the story has come to it

_BOX = re.compile(r"^╭─.*?^╰─[^\n]*╯$", re.DOTALL | re.MULTILINE)
_COLOURS = [(20, 24, 31), (255, 123, 114), (126, 211, 150), (240, 200, 110), (121, 184, 255), (210, 168, 255)]
_THEME = TerminalTheme(_COLOURS[0], (225, 230, 238), [*_COLOURS, (110, 215, 230), (225, 230, 238)])

# rich's own form, without the fonts that it fetches from the network: a picture in a page may fetch nothing.
_FORM = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>What people read in Slack: the alert, what was said, why it was flagged, and what to do</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: system-ui, "DejaVu Sans", sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        drawn = _wait_for_message(Path(directory))
    paper = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    paper.print(Text.from_ansi(drawn))
    picture = paper.export_svg(title="heedful", theme=_THEME, code_format=_FORM, unique_id="alert")
    PICTURE.write_text("".join(f"{line.rstrip()}\n" for line in picture.splitlines()), encoding="utf-8")
    print(f"written: {PICTURE}")  # noqa: T201


def _wait_for_message(directory: Path) -> str:
    """The message with its colours, as a terminal of `COLUMNS` columns gets it."""
    master, slave = pty.openpty()
    command = [str(Path(sys.executable).with_name("heedful")), "run", "--example"]
    settings = {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    example = subprocess.Popen(command, cwd=directory, env=os.environ | settings, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        return _read_until_told(master)
    finally:
        example.send_signal(signal.SIGINT)
        example.wait(timeout=60)
        os.close(master)


def _read_until_told(terminal: int) -> str:
    end, output = time.monotonic() + PATIENCE, b""
    while time.monotonic() < end:
        if select.select([terminal], [], [], 1)[0]:
            output += os.read(terminal, 65_536)
        text = output.decode(errors="replace").replace("\r\n", "\n")
        for box in _BOX.findall(text):
            if ROOM in box and HEADING in box:
                return str(box)
    raise SystemExit(f"the example did not tell of it within {PATIENCE} s")


if __name__ == "__main__":
    main()
