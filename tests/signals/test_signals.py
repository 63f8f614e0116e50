"""Each signal on texts of our own making, on any text at all, and as the contract says."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Author, Comment, Signals
from monitor.signals import ALL_OTHERS, REGISTRY, VERSION, explain, measure, version_of
from monitor.signals.flags import flags
from monitor.signals.phrasebook import FILES, phrasebook
from monitor.signals.prepared import LONGEST, own_words, prepare
from tests.growth import MOST, TIMES, growth
from tests.signals.labelled import LANGUAGES, LETTERS, TEXTS

# anything that can stand in a str: lone surrogates, controls, right-to-left, zero width, emoji
SPECIALS = st.sampled_from("\u200f\u202e\u200b\ud800👍?!@#'")
ANY_TEXT = st.text(alphabet=st.characters(codec=None, categories=None) | SPECIALS, max_size=300)
MARKS_AND_WORDS = ["a", "@", "#", "?", "!", ".", "RT", ">", ":", "“", "”", "thanks", "worst", "link", "dead", "@anna"]
WORDS = st.lists(st.sampled_from(MARKS_AND_WORDS)).map(" ".join)


def comment(text: str, **fields: object) -> Comment:
    return Comment("1", "comment", text, Author("1", "Anna"), datetime(2026, 3, 1, tzinfo=UTC), **fields)  # type: ignore[arg-type]


def signals(text: str, **fields: object) -> Signals:
    return measure([replace(comment(text), **fields)])[0]  # type: ignore[arg-type]


def value(name: str, text: str, **fields: object) -> float:
    found = signals(text, **fields)[name]
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("letter", LETTERS)
def test_most_texts_are_heard_as_they_are_meant(letter: str):
    name = LETTERS[letter]
    flagged = {text: flags(signals(text))[name] for text, yes, no in TEXTS if letter in yes + no}
    missed = [text for text, yes, _ in TEXTS if letter in yes and not flagged[text]]
    false = [text for text, _, no in TEXTS if letter in no and flagged[text]]
    assert len(missed) <= 0.3 * sum(letter in yes for _, yes, _ in TEXTS), missed
    assert len(false) <= 0.08 * sum(letter in no for _, _, no in TEXTS), false


@pytest.mark.parametrize(("text", "yes"), [(text, yes) for text, yes, _ in TEXTS if yes], ids=str)
def test_what_is_flagged_has_words_that_a_person_can_read(text: str, yes: str):
    raised = flags(signals(text))
    for name in (LETTERS[letter] for letter in yes if raised[LETTERS[letter]]):
        assert explain(name, comment(text)), f"no evidence for {name}"


@pytest.mark.parametrize(("text", "language"), LANGUAGES)
def test_a_language_is_recognised_and_not_guessed(text: str, language: str):
    assert signals(text)["language"] == language


def test_where_the_text_does_not_tell_its_language_the_platforms_word_is_taken():
    assert signals("👍", language="pt-BR")["language"] == "pt"
    assert signals("👍", language="und")["language"] == ""
    assert signals("Wann habt ihr heute geöffnet?", language="en")["language"] == "de"


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | WORDS, st.sampled_from(["comment", "review", "message", "mention"]), st.none() | st.floats(1, 5))
def test_any_text_has_every_signal_within_its_range_and_words_that_can_be_read(text, kind, stars):
    one = replace(comment(text), kind=kind, stars=stars)
    found = measure([one])[0]
    assert list(found) == list(REGISTRY)
    for name, signal in REGISTRY.items():
        if signal.range is None:
            assert isinstance(found[name], str)
        else:
            least, most = signal.range
            assert isinstance(found[name], float)
            assert least <= found[name] <= most
            assert not math.isnan(found[name])
        words = explain(name, one)
        assert all(isinstance(word, str) and word for word in words)
        assert len(words) <= 12


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY_TEXT | WORDS, max_size=6))
def test_a_text_measures_the_same_whatever_its_neighbours_and_however_often(texts):
    together = measure([comment(text) for text in texts])
    assert together == [measure([comment(text)])[0] for text in texts]
    assert together == measure([comment(text) for text in texts])


@pytest.mark.parametrize(
    "piece", ["a", "worst link is dead thanks ", "@a ", "😡", "?", "\ud800", "\u202ex\u200b", "says ", "> q\n", "“@a: "]
)
def test_what_a_hundred_thousand_characters_cost_grows_no_faster_than_their_number(piece: str):
    assert list(signals(piece * (100_000 // len(piece)))) == list(REGISTRY)
    assert growth(lambda n: signals(piece * (n // len(piece))), 100_000 // TIMES) < MOST


def test_only_the_beginning_of_an_endless_text_is_looked_at():
    assert value("angry", "bread " * LONGEST + "WORST SCAM EVER") == value("angry", "bread " * LONGEST)


def test_what_is_quoted_from_the_business_is_not_the_writers_word():
    assert own_words("RT @bakery: our worst joke ever") == ""
    assert own_words("Please don't. RT @bakery: buns on fire") == "Please don't."
    assert own_words("> the link is dead\nNo, it works here") == "No, it works here"
    assert own_words("“@bakery: what a disgrace” lovely") == "lovely"
    assert value("angry", "> You are pathetic liars\nWho said that") < 0.3 < value("angry", "You are pathetic liars")


def test_curly_apostrophes_full_width_letters_and_hidden_characters_change_nothing():
    plain = signals("You've been hacked, this isn't you")
    assert signals("You’ve been hacked, this isn‘t you") == plain
    assert signals("Ｙｏｕ'ｖｅ been hacked, this isn't you") == plain
    assert signals("You've been ha\u200bcked, this isn't you") == plain


def test_capitals_exclamations_and_few_stars_make_it_angrier():
    assert value("angry", "I WANT MY MONEY BACK NOW!!!") > value("angry", "I want my money back now!!!")
    assert value("angry", "so slow today", stars=1.0) > value("angry", "so slow today", stars=5.0)


def test_a_phrase_is_found_as_words_and_not_within_others():
    assert value("angry", "Scunthorpe and Essex are lovely") < 0.3
    assert not prepare(comment("we linked the deadlines")).groups
    assert value("closing", "thanksgiving opening hours") < 0.5


def test_words_of_one_language_are_not_heard_in_another():
    assert explain("angry", comment("I am in the mist with a fatal mar in the hills and there was fog")) == ()


def test_a_name_that_is_tagged_in_a_mention_or_message_is_ours():
    assert value("tagging_only", "@bakery", kind="mention") < 0.1
    assert value("tagging_only", "@bakery") > 0.9


def test_the_words_that_weighed_most_are_quoted():
    assert "link is dead" in explain("mistake", comment("Hi, your link is dead :("))
    assert "worst" in explain("angry", comment("This is the WORST."))
    assert explain("closing", comment("👍")) == ("emoji only",)
    assert explain("tagging_only", comment("@anna @ben")) == ("names only",)
    assert explain("angry", comment("A quiet day")) == ()


def test_the_version_names_every_signal_and_its_version():
    said = dict(entry.split("=") for entry in VERSION.split(","))
    assert {name: said.get(name, said[ALL_OTHERS]) for name in REGISTRY} == {
        name: version_of(name) for name in REGISTRY
    }
    assert all(name == signal.name and signal.version for name, signal in REGISTRY.items())
    with pytest.raises(KeyError):
        version_of("mood")


def test_an_empty_batch_has_no_values():
    assert measure([]) == []


def test_every_phrase_of_the_lists_compiled_and_can_be_quoted():
    book = phrasebook()
    assert len(book.phrases) > 2_500
    assert len({(phrase.group, phrase.pattern) for phrase in book.phrases}) == len(book.phrases)
    assert {group.split(".")[0] for group in book.groups} == set(FILES)
    prepared = prepare(comment("the link is dead and nobody answers"))
    assert all(book.quote(hit, prepared.padded) for hit in prepared.hits)


def test_a_semicolon_is_no_question_and_the_greek_question_mark_is_one() -> None:
    calm, asks = (
        measure([Comment("1", "comment", text, Author("1", "Kim"), datetime(2026, 1, 1, tzinfo=UTC))])[0]
        for text in ("Schöne Sache; bis bald", "Πότε ανοίγετε\u037e")
    )
    assert isinstance(calm["needs_reply"], float)
    assert isinstance(asks["needs_reply"], float)
    assert calm["needs_reply"] < 0.4 < asks["needs_reply"]
