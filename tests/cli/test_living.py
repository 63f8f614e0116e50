"""The command line on a store in which something happens."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.shop import ANGRY, Shop

HOUR = timedelta(hours=1)
NOW = timedelta(0)


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Three people wait: two since before the source was added (history), one angry since."""
    shop.say(("kim", 5 * HOUR, "Do you open on Sunday?"), ("sam", 50 * HOUR, "My order never came, where is it?"))
    shop.run("poll", "--here")
    shop.say(("lou", NOW, ANGRY))
    return shop


def waiting(shop: Shop, *arguments: str) -> list[str]:
    return [line["author_name"] for line in shop.lines("backlog", *arguments)]


def test_poll_here_reads_assesses_and_tells_without_a_daemon(shop: Shop) -> None:
    shop.say(("kim", 5 * HOUR, "Do you open on Sunday?"))
    assert "page" in shop.run("poll", "--here").stdout
    shop.say(("lou", NOW, ANGRY))
    shown = shop.run("poll", "--here", "letters").stdout
    assert "UNACCEPTABLE" in shown
    (alert,) = shop.lines("alerts")
    assert (alert["rule"], alert["n_told"], alert["status"]) == ("angry", 1, "open")


def test_the_backlog_shows_the_most_urgent_first_and_then_the_longest_waiting(busy: Shop) -> None:
    busy.run("poll", "--here")
    assert waiting(busy) == ["Sam", "Lou", "Kim"]
    table = busy.run("backlog")
    assert next(line.split()[0] for line in table.stdout.splitlines()) == "ID"
    assert "2 days" in table.stdout
    assert "5 h" in table.stdout
    assert "3 threads" in table.stderr
    assert "\x1b" not in table.stdout


def test_the_backlog_is_filtered(busy: Shop) -> None:
    busy.run("poll", "--here")
    assert waiting(busy, "--older-than", "1d") == ["Sam"]
    assert waiting(busy, "--severity", "medium") == ["Sam", "Lou"]
    assert waiting(busy, "--text", "sunday") == ["Kim"]
    assert waiting(busy, "--text", "50%_") == []
    assert waiting(busy, "--brand", "cafe") == []
    assert waiting(busy, "--source", "letters", "--platform", "file", "--limit", "2") == ["Sam", "Lou"]
    assert "Nobody waits." in busy.run("backlog", "--brand", "cafe").stdout


def test_the_backlog_goes_on_where_a_page_ended(busy: Shop) -> None:
    busy.run("poll", "--here")
    first = busy.lines("backlog", "--limit", "1")
    second = busy.lines("backlog", "--limit", "1", "--after", first[0]["place"])
    third = busy.lines("backlog", "--limit", "5", "--after", second[0]["place"])
    assert [line["author_name"] for line in (*first, *second, *third)] == ["Sam", "Lou", "Kim"]
    assert f"--after {first[0]['place']}" in busy.run("backlog", "--limit", "1").stderr
    assert "is no place in the backlog" in busy.run("backlog", "--after", "nonsense", code=2).stderr


def test_a_name_that_is_mistyped_is_refused_with_the_nearest(busy: Shop) -> None:
    assert 'did you mean "shop"' in busy.run("backlog", "--brand", "shopp", code=2).stderr
    assert 'did you mean "letters"' in busy.run("backlog", "--source", "leters", code=2).stderr
    assert 'did you mean "letters"' in busy.run("poll", "leters", code=2).stderr


def test_csv_is_harmless_in_a_spreadsheet(shop: Shop) -> None:
    shop.say(("eve", HOUR, '=HYPERLINK("https://evil.example","Why no answer?")'))
    shop.run("poll", "--here")
    for arguments in (["backlog", "--csv"], ["export", "comments", "--format", "csv"]):
        (row,) = csv.DictReader(io.StringIO(shop.run(*arguments).stdout))
        assert row.get("excerpt", row.get("text", "")).startswith("'=HYPERLINK")


def test_what_people_write_cannot_steer_the_terminal(shop: Shop) -> None:
    shop.say(("eve", HOUR, "Why\x1b[2J no\u202e answer?\r\nIs anyone there?"))
    shop.run("poll", "--here")
    thread = shop.lines("backlog")[0]["id"]
    for arguments in (
        ["backlog"],
        ["thread", "show", thread],
        ["fetch", "letters"],
        ["rules", "test", "--thread", thread],
    ):
        shown = shop.run(*arguments).stdout
        assert not {"\x1b", "\u202e", "\r"} & set(shown), arguments


def test_a_thread_shows_its_conversation_why_it_was_flagged_and_what_was_done(busy: Shop) -> None:
    busy.run("poll", "--here")
    thread = next(line["id"] for line in busy.lines("backlog") if line["author_name"] == "Lou")
    busy.run("thread", "note", thread, "called her back")
    busy.run("thread", "assign", thread[:6])
    shown = busy.run("thread", "show", thread[:5]).stdout
    for part in (
        thread,
        "Waiting",
        "medium: angry",
        "angry ",
        "Lou, ",
        "UNACCEPTABLE",
        "With jane",
        "jane: note called",
    ):
        assert part in shown, part
    (whole,) = busy.lines("thread", "show", thread)
    assert [act["act"] for act in whole["acts"]] == ["note", "assign"]
    assert whole["flags"][0]["rule"] == "angry"
    assert waiting(busy, "--assignee", "jane") == ["Lou"]


def test_closing_reopening_and_snoozing_change_the_backlog(busy: Shop) -> None:
    busy.run("poll", "--here")
    threads = {line["author_name"]: line["id"] for line in busy.lines("backlog")}
    busy.run("thread", "close", threads["Kim"], threads["Sam"], "--why", "answered by telephone")
    busy.run("poll", "--here")
    assert waiting(busy) == ["Lou"]
    assert "Closed by jane" in busy.run("thread", "show", threads["Kim"]).stdout
    busy.run("thread", "reopen", threads["Kim"])
    busy.run("poll", "--here")
    assert waiting(busy) == ["Lou", "Kim"]
    busy.run("thread", "snooze", threads["Kim"], "--for", "2h")
    assert waiting(busy) == ["Lou"]
    assert set(waiting(busy, "--all")) == {"Lou", "Kim"}
    assert "Snoozed until" in busy.run("thread", "show", threads["Kim"]).stdout
    busy.run("thread", "snooze", threads["Kim"], "--end")
    assert "Kim" in waiting(busy)
    busy.run("thread", "snooze", threads["Kim"], code=2)


def test_an_act_on_several_threads_is_all_or_nothing(busy: Shop) -> None:
    busy.run("poll", "--here")
    threads = [line["id"] for line in busy.lines("backlog")]
    busy.run("thread", "close", threads[0], "zzzzzzzz", code=2)
    busy.run("poll", "--here")
    assert len(busy.lines("backlog")) == 3
    assert 'there is no thread "zzzz"' in busy.run("thread", "show", "zzzz", code=2).stderr


def test_an_alert_is_shown_taken_on_and_snoozed(busy: Shop) -> None:
    busy.run("poll", "--here")
    (alert,) = busy.lines("alerts")
    assert "angry" in busy.run("alerts").stdout
    assert "UNACCEPTABLE" not in busy.run("alerts").stdout
    assert "taken on by jane" in busy.run("ack", alert["id"][:5]).stdout
    shown = busy.run("alerts", alert["id"]).stdout
    assert "Taken on by jane" in shown
    assert "angry at least" in shown or "angry " in shown
    assert busy.lines("alerts")[0]["status"] == "acknowledged"
    busy.run("snooze", alert["id"], "--for", "1h")
    assert "snoozed" in busy.run("alerts").stdout
    assert busy.lines("alerts", "--brand", "cafe") == []
    assert 'there is no alert "zzzz"' in busy.run("ack", "zzzz", code=2).stderr


def test_a_silence_holds_back_what_it_matches_until_it_ends(busy: Shop) -> None:
    busy.run("silence", "add", "--brand", "shop", "--rule", "angry", "--for", "2h", "--why", "the match is on")
    assert "UNACCEPTABLE" not in busy.run("poll", "--here").stdout
    (silence,) = busy.lines("silence", "list")
    assert (silence["rule"], silence["created_by"], silence["comment"]) == ("angry", "jane", "the match is on")
    assert "rule angry" in busy.run("silence", "list").stdout
    busy.run("silence", "expire", silence["id"][:6])
    assert "Nothing is silenced." in busy.run("silence", "list").stdout
    assert "UNACCEPTABLE" in busy.run("poll", "--here").stdout


def test_a_silence_that_could_never_match_is_refused(busy: Shop) -> None:
    refused = busy.run("silence", "add", "--brand", "shop", "--rule", "angri", "--for", "2h", code=2)
    assert 'did you mean "angry"' in refused.stderr
    assert "name the brand" in busy.run("silence", "add", "--for", "2h", code=2).stderr
    busy.run("silence", "expire", "zzzz", code=2)


def test_status_says_that_all_is_well_and_what_is_not(busy: Shop) -> None:
    busy.run("poll", "--here")
    shown = busy.run("status").stdout
    assert "Sources: 1 of 1 well" in shown
    assert "Backlog of shop" in shown
    assert "3 threads wait" in shown
    for file in busy.drop.iterdir():
        file.unlink()
    busy.drop.rmdir()
    busy.run("poll", "--here")
    assert "1 source fails" in busy.run("status", code=3).stdout
    (whole,) = busy.lines("status", code=3)
    assert whole["sources"]["n_failing"] == 1
    (source,) = busy.lines("sources", "--failing")
    assert (source["id"], source["state"]) == ("letters", "failing")
    assert "failing" in busy.run("sources").stdout


def test_fetch_shows_what_a_source_returns_and_stores_nothing(shop: Shop) -> None:
    shop.say(("kim", HOUR, "Do you open on Sunday?"))
    shown = shop.run("fetch", "letters")
    assert "Do you open on Sunday?" in shown.stdout
    assert "1 comment on 1 page" in shown.stderr
    (comment,) = shop.lines("fetch", "letters")
    assert comment["author"]["name"] == "Kim"
    assert shop.lines("backlog") == []
    (shop.drop / "bad.jsonl").write_text('{"text": "no time"}\n')
    assert "Could not be read" in shop.run("fetch", "letters", "--pages", "5", code=3).stderr
    assert 'did you mean "letters"' in shop.run("fetch", "leters", code=2).stderr


def test_an_import_is_history_and_importing_again_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    rows = [
        "num,who,when,said,to",
        f'1,kim,2026-01-05 10:00,"{ANGRY}",',
        "2,cornershop,2026-01-05 11:00,Sorry!,1",
        "3,sam,?,x,",
    ]
    table.write_text("\n".join(rows) + "\n")
    mapping = [
        *("--column", "native_id=num", "--column", "author_native_id=who", "--column", "created_at=when"),
        *("--column", "text=said", "--column", "parent_native_id=to", "--column", "author_handle=who"),
        *("--time", "%Y-%m-%d %H:%M", "--brand", "shop", "--platform", "forum"),
    ]
    first = shop.run("import", str(table), *mapping, code=3).stdout
    assert "2 comments taken in" in first
    assert "1 row could not be read" in first
    assert "0 comments taken in, 0 changed, 2 known" in shop.run("import", str(table), *mapping, code=3).stdout
    assert shop.lines("alerts") == []
    comments = [json.loads(line) for line in shop.run("export", "comments").stdout.splitlines()]
    assert {c["native_id"]: c["is_history"] for c in comments} == {"1": True, "2": True}
    (thread,) = [json.loads(line) for line in shop.run("export", "threads").stdout.splitlines()]
    assert (thread["platform"], thread["standing"], thread["n_comments"]) == ("forum", "answered", 2)


def test_an_import_that_is_mistyped_is_refused_before_anything_is_read(shop: Shop, tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    table.write_text("text\nx\n")
    assert "nonsense" in shop.run("import", str(table), "--brand", "shop", "--column", "nonsense=x", code=2).stderr
    assert "name=value" in shop.run("import", str(table), "--brand", "shop", "--column", "nonsense", code=2).stderr
    assert "encodng" in shop.run("import", str(table), "--brand", "shop", "--option", "encodng=x", code=2).stderr
    assert 'did you mean "shop"' in shop.run("import", str(table), "--brand", "shopp", code=2).stderr


def test_an_export_goes_to_a_file_and_since_then(busy: Shop, tmp_path: Path) -> None:
    busy.run("poll", "--here")
    out = tmp_path / "out.jsonl"
    assert "3 comments written" in busy.run("export", "comments", "--output", str(out)).stderr
    assert len(out.read_text().splitlines()) == 3
    assert len(busy.run("export", "comments", "--since", "1d", "--brand", "shop").stdout.splitlines()) == 2
    assert busy.run("export", "threads", "--brand", "cafe").stdout == ""


def test_a_rule_is_tried_on_a_text_and_on_a_thread(busy: Shop) -> None:
    busy.run("poll", "--here")
    shown = busy.run("rules", "test", ANGRY).stdout
    assert "medium: angry" in shown
    assert "unacceptable" in shown
    assert "No rule holds." in busy.run("rules", "test", "Lovely, thank you!").stdout
    found = busy.lines("rules", "test", "Nice shop", "--waiting", "5h")
    assert [trial["rule"] for trial in found] == ["unanswered"]
    thread = next(line["id"] for line in busy.lines("backlog") if line["author_name"] == "Lou")
    assert "angry" in [trial["rule"] for trial in busy.lines("rules", "test", "--thread", thread)]
    assert len(busy.lines("rules", "test", "--thread", thread, "--all")) == len(busy.lines("rules", "list"))
    busy.run("rules", "test", code=2)


def test_a_replay_says_what_would_have_been_flagged_and_when_and_changes_nothing(busy: Shop) -> None:
    busy.run("poll", "--here")
    before = busy.lines("backlog")
    replayed = {line["text"]: line["flags"] for line in busy.lines("rules", "replay", "--since", "30d")}
    assert [flag["rule"] for flag in replayed[ANGRY]] == ["angry"]
    assert [f["rule"] for f in replayed["My order never came, where is it?"]] == ["unanswered", "unanswered-long"]
    assert [flag["rule"] for flag in replayed["Do you open on Sunday?"]] == ["unanswered"]
    assert "2 of 3 threads" not in busy.run("rules", "replay").stdout
    assert "1 of 3 threads would have been flagged" in busy.run("rules", "replay", "--rule", "angry").stdout
    assert [line["id"] for line in busy.lines("backlog")] == [line["id"] for line in before]


def test_what_was_imported_is_a_source_of_the_backlog_too(shop: Shop, tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    table.write_text("native_id,author_name,created_at,text\n1,kim,2026-01-05T10:00Z,Do you open on Sunday?\n")
    shop.run("import", str(table), "--brand", "shop", "--time", "%Y-%m-%dT%H:%MZ")
    (line,) = shop.lines("backlog", "--source", "import-old")
    assert line["author_name"] == "kim"
    assert 'did you mean "import-old"' in shop.run("backlog", "--source", "import-odl", code=2).stderr


def test_reasons_are_told_on_the_brands_clock_with_their_thresholds_each_once(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace("Europe/London", "Asia/Tokyo"))
    shop.say(("kim", timedelta(hours=5), "Do you open on Sunday?"), ("kim", timedelta(hours=5), "And on Monday?"))
    shop.run("poll", "--here")
    thread = shop.lines("backlog")[0]["id"]
    for shown in (shop.run("thread", "show", thread).stdout, shop.run("rules", "replay").stdout):
        assert "threshold 4h" in shown
        assert " UTC" not in shown
        assert " JST" in shown


def test_ids_in_json_are_those_that_people_type(busy: Shop) -> None:
    busy.run("poll", "--here")
    lou = next(line["id"] for line in busy.lines("backlog") if line["author_name"] == "Lou")
    (whole,) = busy.lines("thread", "show", lou)
    (comment,) = whole["comments"]
    assert comment["thread_id"] == whole["flags"][0]["thread_id"] == lou
    assert whole["flags"][0]["evidence"] == [comment["id"]]
    (alert,) = busy.lines("alerts")
    (shown,) = busy.lines("alerts", alert["id"])
    assert shown["flags"][0]["alert_id"] == alert["id"]
    flags = [flag for line in busy.lines("rules", "replay") for flag in line["flags"] if line["thread"] == lou]
    assert {flag["thread_id"] for flag in flags} == {lou}


def test_a_source_that_no_daemon_knows_of_yet_is_not_said_to_be_read(shop: Shop) -> None:
    shop.run("db", "upgrade")
    shown = shop.run("poll", "letters", code=3)
    assert shown.stdout == "letters: no daemon has taken it up yet; `heedful run` does, or --here reads it now\n"
    assert "Not taken up yet: letters." in shop.run("sources").stderr
    shop.run("poll", "--here")
    assert "1 source is read as soon as the daemon looks." in shop.run("poll", "letters").stdout
    assert shop.run("sources").stderr == ""


def test_a_name_of_fifty_thousand_letters_does_not_widen_the_backlog(shop: Shop) -> None:
    shop.say(("b" * 50_000, HOUR, "Do you open on Sunday?"))
    shop.run("poll", "--here")
    assert max(map(len, shop.run("backlog").stdout.splitlines())) < 200


def test_what_was_done_is_told_on_the_brands_clock(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text().replace("Europe/London", "Asia/Tokyo"))
    shop.say(("kim", HOUR, "Do you open on Sunday?"))
    shop.run("poll", "--here")
    thread = shop.lines("backlog")[0]["id"]
    for act in (["snooze", "--for", "1h"], ["snooze", "--end"], ["assign"], ["assign", "--nobody"], ["close"]):
        shop.run("thread", act[0], thread, *act[1:])
    done = [
        line.split("jane: ")[1] for line in shop.run("thread", "show", thread).stdout.splitlines() if "jane: " in line
    ]
    assert done[0].startswith("snoozed until ")
    assert done[0].endswith(" JST")
    assert done[1:] == ["ended the snooze", "assigned to jane", "assigned to nobody", "closed"]
