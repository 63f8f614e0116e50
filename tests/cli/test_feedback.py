"""What people say of flags at the command line, and what comes of it."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from tests.cli.shop import ANGRY, Shop

NOW = timedelta(0)
RUDE = "You are the worst, this is disgusting and a disgrace, shame on you!!!"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The source is there: what is said from now on is news."""
    shop.run("poll", "--here")
    return shop


def flagged(shop: Shop) -> list[str]:
    """The threads that the rule `angry` flags."""
    return [line["id"] for line in shop.lines("backlog", "--limit", "1000") if line["severity"] == "medium"]


def test_a_flag_that_was_wrong_goes_and_comes_back_when_it_was_right_after_all(shop: Shop) -> None:
    shop.say(("lou", NOW, ANGRY))
    shop.run("poll", "--here")
    [thread] = flagged(shop)
    assert "angry was wrong" in shop.run("thread", "mark-wrong", thread[:6], "angry").stdout
    assert "said already" in shop.run("thread", "mark-wrong", thread[:6], "angry").stdout
    shop.run("poll", "--here")
    assert flagged(shop) == []
    [alert] = shop.lines("alerts", "--all")
    assert alert["status"] == "resolved"
    assert "jane: found wrong: angry" in shop.run("thread", "show", thread).stdout
    assert "which people have found wrong here" in shop.run("rules", "test", "--thread", thread).stdout
    assert "angry was right" in shop.run("thread", "mark-right", thread, "angry").stdout
    shop.run("poll", "--here")
    assert flagged(shop) == [thread]


def test_a_rule_that_has_not_flagged_the_thread_is_refused(shop: Shop) -> None:
    shop.say(("lou", NOW, ANGRY))
    shop.run("poll", "--here")
    refused = shop.run("thread", "mark-wrong", flagged(shop)[0], "angri", code=2)
    assert '"angri" has not flagged' in refused.stderr
    assert refused.stderr.strip().endswith("angry")


def judge(shop: Shop, n_each: int) -> None:
    """As many mildly angry threads found wrong as very angry ones found right, and one that nobody speaks of."""
    mild, strong = (
        [(f"a{n}", NOW, "What a waste of time") for n in range(n_each)],
        [(f"b{n}", NOW, f"{RUDE} {n}") for n in range(n_each)],
    )
    shop.say(*mild, *strong, ("zoe", NOW, ANGRY))
    shop.run("poll", "--here")
    for line in shop.lines("backlog", "--limit", "1000"):
        if line["author_name"].startswith("A"):
            shop.run("thread", "mark-wrong", line["id"], "angry")
        elif line["author_name"].startswith("B"):
            shop.run("thread", "mark-right", line["id"], "angry")
    shop.run("poll", "--here")


def test_precision_counts_who_agreed_and_proposes_a_threshold(shop: Shop) -> None:
    assert "No rule has flagged anything." in shop.run("rules", "precision").stdout
    lower_the_threshold(shop)
    judge(shop, 6)
    [report] = [line for line in shop.lines("rules", "precision") if line["rule"] == "angry"]
    counts = {name: report[name] for name in ("raised", "right", "wrong", "not_contradicted", "open")}
    assert counts == {"raised": 13, "right": 6, "wrong": 6, "not_contradicted": 0, "open": 1}
    assert report["precision"] == 0.5
    assert report["low"] < 0.5 < report["high"]
    assert (report["signal"], report["threshold"]) == ("angry", 0.4)
    proposed = report["proposed"]
    assert proposed["threshold"] > 0.4
    assert [proposed[n] for n in ("kept_right", "kept_wrong", "dropped_right", "dropped_wrong")] == [6, 0, 0, 6]
    shown = shop.run("rules", "precision", "--brand", "shop").stdout
    assert "keeps 6 right, 0 wrong; drops 0 right, 6 wrong" in shown
    assert shop.lines("rules", "precision", "--brand", "cafe") == []


def lower_the_threshold(shop: Shop) -> None:
    rules = shop.directory / "rules.toml"
    rules.write_text('[rules.angry]\nseverity = "medium"\nwhen = { signal = "angry", at_least = 0.4 }\n')
    config = shop.config.read_text().replace("[database]", f'rules = ["{rules}"]\n[database]')
    shop.config.write_text(config)
    shop.run("rules", "list")


def test_a_brand_learns_to_read_a_signal_and_forgets_it_again(shop: Shop) -> None:
    assert "Nobody has said" in shop.run("rules", "calibrate").stdout
    lower_the_threshold(shop)
    judge(shop, 10)
    before = len(flagged(shop))
    [report] = shop.lines("rules", "calibrate")
    assert (report["brand"], report["signal"], report["right"], report["wrong"]) == ("shop", "angry", 10, 10)
    assert report["is_enough"]
    assert [point["now"] for point in report["points"]] == [point["measured"] for point in report["points"]]
    assert report["points"][1]["then"] < 0.5
    assert "->" in shop.run("rules", "calibrate").stdout
    assert "calibrated" not in shop.run("rules", "test", "What a waste of time", "--all").stdout
    assert "judged anew" in shop.run("rules", "calibrate", "--brand", "shop", "--apply").stderr
    assert "calibrated from" in shop.run("rules", "test", "What a waste of time", "--all").stdout
    shop.say(("new", NOW, "What a waste of time"))
    shop.run("poll", "--here")
    assert len(flagged(shop)) == before, "what was found wrong ten times is not raised an eleventh time"
    [again] = shop.lines("rules", "calibrate")
    assert again["points"][1]["now"] == report["points"][1]["then"]
    assert "1 calibration forgotten." in shop.run("rules", "calibrate", "--reset").stdout
    shop.run("poll", "--here")
    assert len(flagged(shop)) == before + 1


def test_with_few_corrections_there_is_no_calibration(shop: Shop) -> None:
    lower_the_threshold(shop)
    judge(shop, 2)
    assert "needs 20 corrections of both kinds" in shop.run("rules", "calibrate").stdout
    assert "0 open threads" in shop.run("rules", "calibrate", "--apply").stderr
    assert "calibrated" not in shop.run("rules", "test", "What a waste of time", "--all").stdout
    shop.run("rules", "calibrate", "--apply", "--reset", code=2)


def test_a_calibration_of_another_version_of_its_signal_is_told_to_rest(shop: Shop) -> None:
    lower_the_threshold(shop)
    judge(shop, 10)
    shop.run("rules", "calibrate", "--apply")
    assert not shop.lines("rules", "calibrate")[0]["is_resting"]
    with closing(sqlite3.connect(shop.directory / "shop.db")) as store, store:
        store.execute("UPDATE calibrations SET version = 'an older one'")
    assert shop.lines("rules", "calibrate")[0]["is_resting"]
    assert "the stored one rests" in shop.run("rules", "calibrate").stdout
    shop.run("rules", "calibrate", "--apply")
    assert not shop.lines("rules", "calibrate")[0]["is_resting"]
