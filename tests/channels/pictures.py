"""Pictures of how an alert looks, drawn from the very payloads that the channels post.

`python -m tests.channels.pictures` writes docs/channels/pictures/*.png with a Chromium that is installed. The frames
around the messages are drawn after the chats, and are not theirs.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from hashlib import blake2b
from html import escape, unescape
from pathlib import Path
from typing import Any

from tests.channels.notices import CRISIS, FIRST, NOW
from tests.channels.test_contract import make

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "channels" / "pictures"
WIDTH = 640
_STYLE = """
*{box-sizing:border-box} a{color:#1264a3} hr{border:0;border-top:1px solid #ddd}
body{margin:0;padding:16px;width:640px;font:15px/1.45 "DejaVu Sans",Arial,sans-serif;background:#fff}
h1{font-size:17px;margin:0 0 8px} .text{margin:0 0 8px;white-space:pre-wrap;overflow-wrap:anywhere}
blockquote{margin:2px 0;padding-left:10px;border-left:4px solid #bbb;white-space:normal} .dim{color:#555;font-size:13px}
code{background:#f2f2f2;border:1px solid #ddd;border-radius:3px;padding:0 3px;font-size:13px}
.who{font-weight:700;margin-bottom:4px} .app{font-size:10px;background:#ddd;color:#222;padding:1px 4px}
.button{display:inline-block;border:1px solid #aaa;border-radius:4px;padding:4px 10px;margin:0 8px 8px 0}
.button{font-size:13px;font-weight:700} .primary{background:#007a5a;color:#fff;border-color:#007a5a}
.card{border:1px solid #ddd;border-radius:6px;padding:14px} .emphasis{background:#f3f2f1;padding:8px;border-radius:4px}
.line{margin:2px 0} .box{border-top:1px solid #e1e1e1;margin-top:10px;padding-top:8px}
.dark{background:#313338;color:#dbdee1} .dark a{color:#00a8fc} .dark code{background:#1e1f22;border-color:#1e1f22}
.embed{background:#2b2d31;border-left:4px solid;border-radius:4px;padding:12px}
.chat{background:#dfe8d5} .bubble{background:#fff;border-radius:10px;padding:10px 12px}
.keys{display:grid;grid-template-columns:1fr 1fr;gap:4px;margin-top:4px}
.key{background:#8aa57a;color:#fff;text-align:center;border-radius:6px;padding:6px}
"""


def slack_bot(payload: Mapping[str, Any]) -> str:
    parts = ['<div class="who">heedful <span class="app">APP</span></div>']
    for block in payload["blocks"]:
        match block["type"]:
            case "header":
                parts.append(f"<h1>{block['text']['text']}</h1>")
            case "section":
                parts.append(f"<div class='text'>{_mrkdwn(block['text']['text'])}</div>")
            case "context":
                parts += [f'<div class="text dim">{_mrkdwn(each["text"])}</div>' for each in block["elements"]]
            case "divider":
                parts.append("<hr>")
            case "actions":
                parts.append("".join(_button(each) for each in block["elements"]))
    return "".join(parts)


def _button(element: Mapping[str, Any]) -> str:
    return f'<span class="button {element.get("style", "")}">{escape(element["text"]["text"])}</span>'


def _mrkdwn(text: str) -> str:
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"(?<!\u200b)\*([^*\n]+?)(?<!\u200b)\*", r"<b>\1</b>", text)
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
    return re.sub(r"(?m)^>(.*)\n?", r"<blockquote>\1</blockquote>", text)


def teams(payload: Mapping[str, Any]) -> str:
    card = payload["attachments"][0]["content"]
    return f'<div class="who">Workflows</div><div class="card">{"".join(map(_element, card["body"]))}</div>'


_COLOURS = {"Attention": "#c4314b", "Warning": "#b85c00", "Accent": "#5b5fc7", "Good": "#237b4b"}


def _element(element: Mapping[str, Any]) -> str:
    if element["type"] == "Container":
        kind = "emphasis" if element.get("style") else "box"
        return f'<div class="{kind}">{"".join(map(_element, element["items"]))}</div>'
    if element["type"] == "ActionSet":
        return "".join(f'<span class="button">{escape(action["title"])}</span>' for action in element["actions"])
    return f'<div class="line">{"".join(map(_run, element["inlines"]))}</div>'


def _run(run: Mapping[str, Any]) -> str:
    styles = ["font-weight:700" if run.get("weight") else "", "font-size:17px" if run.get("size") else ""]
    styles += [
        f"color:{_COLOURS.get(run['color'], '#000')}" if "color" in run else "",
        "color:#616161" * bool(run.get("isSubtle")),
    ]
    text = f'<span style="{";".join(filter(None, styles))}">{escape(run["text"])}</span>'
    return f'<a href="{escape(run["selectAction"]["url"])}">{text}</a>' if "selectAction" in run else text


def discord(payload: Mapping[str, Any]) -> str:
    embed = payload["embeds"][0]
    lines = "".join(
        f'<div class="line">{_markdown(line) or "&nbsp;"}</div>' for line in embed["description"].split("\n")
    )
    title = f"<h1>{_markdown(embed['title'])}</h1>"
    who = '<div class="who">heedful <span class="app">APP</span></div>'
    return f'{who}<div class="embed" style="border-color:#{embed["color"]:06x}">{title}{lines}</div>'


def _markdown(line: str) -> str:
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[1])
        return f"\ue000{len(kept) - 1}\ue001"

    line = escape(re.sub(r"\\([!-/:-@\[-`{-~])", keep, line), quote=False)
    line = re.sub(r"\[([^\]]+)\]\(&lt;(.+?)&gt;\)", r'<a href="\2">\1</a>', line)
    line = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", line)
    line = re.sub(r"`([^`]+)`", r"<code>\1</code>", line)
    line = re.sub(r"^&gt; (.*)", r"<blockquote>\1</blockquote>", line)
    return re.sub("\ue000([0-9]+)\ue001", lambda found: escape(kept[int(found[1])]), line)


def telegram(payload: Mapping[str, Any]) -> str:
    rows = payload.get("reply_markup", {}).get("inline_keyboard", [])
    text = payload["text"].replace("</blockquote>\n", "</blockquote>")
    keys = "".join(f'<div class="key">{escape(key["text"])}</div>' for row in rows for key in row)
    bubble = f'<div class="bubble"><div class="who">heedful</div><div class="text">{text}</div></div>'
    return f'{bubble}<div class="keys">{keys}</div>'


def email(payload: Mapping[str, Any]) -> str:
    subject = f"Subject: <b>{escape(payload['subject'])}</b>"
    head = f'<div class="dim">From: heedful &lt;alerts@shop.example&gt;<br>{subject}</div><hr>'
    return head + re.sub(r"(?s).*<body>|</body>.*", "", payload["html"])


DRAWERS: dict[str, tuple[Callable[[Mapping[str, Any]], str], str]] = {
    "slack_bot": (slack_bot, ""),
    "teams": (teams, ""),
    "discord": (discord, "dark"),
    "telegram": (telegram, "chat"),
    "email": (email, ""),
}
PICTURES = {**{kind: (kind, FIRST) for kind in DRAWERS}, "crisis": ("slack_bot", CRISIS)}


def page(name: str) -> str:
    """The picture as a web page; everything in it comes from the payload."""
    kind, notice = PICTURES[name]
    draw, frame = DRAWERS[kind]
    (payload,) = make(kind).render(notice, NOW).payloads
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><body class="{frame}">{draw(payload)}</body>'


def shown(name: str) -> str:
    """The words of the picture."""
    return unescape(re.sub(r"<style>.*?</style>|<[^<>]*>", "", page(name)))


def drawn_from() -> dict[str, str]:
    """By picture, a digest of what it was drawn from: a test sees by it that a picture is out of date."""
    return {name: blake2b(page(name).encode(), digest_size=12).hexdigest() for name in PICTURES}


def draw(name: str, chromium: str, folder: Path) -> None:
    """Measure the page, and photograph it at its height."""
    source = folder / f"{name}.html"
    tail = "<script>document.title=Math.ceil(document.body.getBoundingClientRect().height)</script>"
    source.write_text(page(name) + tail, "utf-8")
    run = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder}/profile",
    ]
    dom = subprocess.run(
        [*run, f"--window-size={WIDTH},800", "--dump-dom", source.as_uri()], capture_output=True, check=True
    )
    found = re.search(rb"<title>([0-9]+)</title>", dom.stdout)
    height = int(found[1]) if found else 800
    target = f"--screenshot={FOLDER / name}.png"
    subprocess.run([*run, f"--window-size={WIDTH},{height}", target, source.as_uri()], capture_output=True, check=True)


if __name__ == "__main__":
    program = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("no Chromium is installed")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        for picture in PICTURES:
            draw(picture, program, Path(made))
    (FOLDER / "drawn_from.json").write_text(json.dumps(drawn_from(), indent=1) + "\n", "utf-8")
