"""heedful classify and evaluate: any text in, an answer for each, nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from monitor import signals
from monitor.cli.root import heedful
from monitor.signals.flags import flags, numeric, thresholds
from tests.cli.shop import ANGRY

NAMES = set(numeric())


def classify(given_: bytes, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(heedful, ["classify", *arguments], input=given_)
    assert result.exit_code == code, result.output
    return result


def answers(given_: bytes, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in classify(given_, *arguments, code=code).stdout.split("\n") if line]


def asked(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_each_line_is_answered_in_order_with_signals_flags_evidence_and_version() -> None:
    rude, calm = answers(asked({"id": "a", "text": ANGRY}, {"id": 7, "text": "Do you open on Sunday?"}))
    assert (rude["id"], calm["id"]) == ("a", 7)
    assert set(rude) == {"id", "signals", "flags", "mistake_kind", "language", "evidence", "version"}
    assert set(rude["signals"]) == set(rude["flags"]) == NAMES
    assert rude["flags"]["angry"]
    assert not calm["flags"]["angry"]
    assert calm["flags"]["needs_reply"]
    assert calm["language"] == "en"
    assert rude["version"] == signals.VERSION
    assert "angry" in [one["signal"] for one in rude["evidence"]]
    assert all(one["words"] for one in rude["evidence"] if one["signal"] == "angry")


def test_a_flag_is_the_signal_at_its_threshold() -> None:
    for answer in answers(asked(*({"id": n, "text": f"{ANGRY} {'thanks ' * n}"} for n in range(20)))):
        for name, least in thresholds().items():
            if abs(answer["signals"][name] - least) > 1e-5:
                assert answer["flags"][name] == (answer["signals"][name] >= least)


def test_plain_lines_are_texts_whose_id_is_the_number_of_the_line() -> None:
    found = answers(f"{ANGRY}\r\n\nDanke!".encode())
    assert [one["id"] for one in found] == [1, 2, 3]
    assert [one["flags"]["angry"] for one in found] == [True, False, False]


def test_an_empty_text_is_not_measured() -> None:
    for answer in answers(asked({"id": 1, "text": ""}, {"id": 2, "text": " \n\t"}, {"id": 3, "text": None})):
        assert set(answer["signals"].values()) == {None}
        assert not any(answer["flags"].values())
        assert (answer["mistake_kind"], answer["language"], answer["evidence"]) == ("", "", [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{bad", "line 2 begins with {"),
        (b'{"id": 5}', 'line 2 has no "text"'),
        (b'{"id": 5, "text": 7}', '"text" is no text'),
        (b'{"id": NaN, "text": "x"}', "NaN is no JSON"),
        (b'{"text": "x"} y', "line 2 begins with {"),
        (b'{"a":' * 100_000, "line 2 begins with {"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_in_its_place_and_the_others_are_answered(line: bytes, says: str) -> None:
    given_ = asked({"id": 1, "text": ANGRY}) + line + b"\n" + asked({"id": 3, "text": ANGRY})
    first, broken, last = answers(given_, code=1)
    assert first["flags"]["angry"]
    assert last["flags"]["angry"]
    assert says in broken["error"]
    assert broken["id"] in (2, 5)
    assert says in classify(given_, code=1).stderr


HOSTILE = [
    "x" * 100_000,
    "word " * 25_000,
    "😡" * 50_000,
    "{" * 3,
    "\u202eright\u202d \u200b\u200d\ufeff",
    "مرحبا متى تفتحون؟",
    "\u0000\u0001\u0007",
    "e" + "\u0301" * 10_000,
    "\ud83d half a character \ude00",
]


def test_no_text_is_too_odd() -> None:
    found = answers(asked(*({"id": text[:5], "text": text} for text in HOSTILE)))
    assert [one["id"] for one in found] == [text[:5] for text in HOSTILE]
    for one in found:
        assert all(value is None or 0 <= value <= 1 for value in one["signals"].values())


@given(st.binary(max_size=400))
def test_whatever_comes_each_line_has_one_answer(noise: bytes) -> None:
    result = CliRunner().invoke(heedful, ["classify"], input=noise)
    assert result.exit_code in (0, 1), result.output
    n_lines = noise.count(b"\n") + (not noise.endswith(b"\n") and noise != b"")
    found = [json.loads(line) for line in result.stdout.split("\n") if line]
    assert len(found) == n_lines
    assert (result.exit_code == 1) == any("error" in one for one in found)


@given(st.lists(st.text(st.characters()), max_size=5))
def test_any_texts_come_back_with_their_ids(texts: list[str]) -> None:
    given_ = asked(*({"id": text, "text": text} for text in texts))
    assert [one["id"] for one in answers(given_)] == texts


def test_without_evidence_everything_else_is_the_same() -> None:
    rows = asked({"id": 1, "text": ANGRY}, {"id": 2, "text": "Thanks a lot!"})
    for whole, bare in zip(answers(rows), answers(rows, "--no-evidence"), strict=True):
        assert bare == {**whole, "evidence": []}


def test_the_batch_a_text_comes_in_changes_nothing() -> None:
    rows = [{"id": n, "text": f"{ANGRY if n % 3 else 'When do you open?'} {n}"} for n in range(1_200)]
    together = answers(asked(*rows))
    assert [one["id"] for one in together] == list(range(1_200))
    for n in (0, 499, 500, 1_199):
        assert answers(asked(rows[n])) == [together[n]]


def test_stars_and_kind_are_heeded_where_they_are_known() -> None:
    plain, review = answers(
        asked({"id": 1, "text": "It was food"}, {"id": 2, "text": "It was food", "kind": "review", "stars": 1})
    )
    assert review["signals"]["angry"] > plain["signals"]["angry"]
    odd = {"text": "It was food", "kind": 5, "stars": "many", "language": []}
    assert answers(asked({"id": 1, **odd})) == [plain]


def test_whoever_writes_slowly_is_answered_at_once_and_needs_no_configuration(tmp_path: Path) -> None:
    code = "from monitor.cli import main; main()"
    env = {**os.environ, "HEEDFUL_CONFIG": str(tmp_path / "nowhere.toml")}
    with subprocess.Popen([sys.executable, "-c", code, "classify"], env=env, stdin=-1, stdout=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in (ANGRY, "Thanks!"):
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["flags"]["angry"] is (text == ANGRY)
        process.stdin.close()
        assert process.wait(60) == 0


def evaluate(file: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(heedful, ["evaluate", str(file), "--draws", "50", *arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rude = [{"text": f"{ANGRY} {n}", "angry": 1, "mistake_related": 0, "language": "en"} for n in range(8)]
    wrong = [{"text": "The link is broken", "angry": False, "mistake": "broken_link", "language": "en"}] * 4
    calm = [{"text": "Hola, ¿abren hoy?", "angry": "0", "mistake": "none", "language": "es", "else": 5}] * 4
    silent = [{"text": "", "closing_thanks": 0}, {"text": "Thanks!", "closing_thanks": 1, "angry": None}]
    file = tmp_path / "labelled.jsonl"
    file.write_bytes(asked(*rude, *wrong, *calm, *silent))
    return file


def test_evaluate_scores_each_signal_that_has_a_label(labelled: Path) -> None:
    found = {one["signal"]: one for one in map(json.loads, evaluate(labelled, "--json").stdout.splitlines())}
    assert set(found) == {"angry", "closing", "mistake"}
    angry = found["angry"]
    assert (angry["n"], angry["positives"], angry["threshold"]) == (16, 8, thresholds()["angry"])
    assert angry["auc"]["value"] == 1.0
    assert angry["f1"]["low"] <= angry["f1"]["value"] <= angry["f1"]["high"]
    assert set(angry) >= {"precision", "recall", "average_precision", "ece"}
    assert (found["mistake"]["n"], found["mistake"]["positives"]) == (16, 4)
    assert (found["closing"]["n"], found["closing"]["positives"]) == (2, 1)


def test_evaluate_is_shown_as_a_table_also_by_a_column(labelled: Path) -> None:
    shown = evaluate(labelled, "--by", "language").stdout
    assert shown.splitlines()[0].split()[:4] == ["OF", "SIGNAL", "FROM", "N"]
    for part in ("all", "language=en", "language=es", "angry", "mistake", "ECE"):
        assert part in shown


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "x", "colour": 1}', "no row has a label of ours; its keys are text, colour"),
        ('{"text": "x", "angry": 2}', 'line 1: "angry" is 2'),
        ('{"text": "x", "angry": "yes"}', "0 or 1 is a label"),
        ('{"angry": 1}', 'line 1: there is no "text"'),
        ("[1]", 'line 1: there is no "text"'),
        ("{", "line 1: "),
        ("", "no row has a label of ours; its keys are none"),
    ],
)
def test_a_file_that_cannot_be_scored_is_refused_with_the_reason(tmp_path: Path, line: str, says: str) -> None:
    file = tmp_path / "labelled.jsonl"
    file.write_text(line + "\n")
    told = evaluate(file, code=2).stderr
    assert says in told
    assert str(file) in told


def test_flags_say_no_of_what_was_not_measured() -> None:
    assert flags({}) == dict.fromkeys(NAMES, False)
    assert flags({"angry": None, "closing": "x"}) == dict.fromkeys(NAMES, False)
