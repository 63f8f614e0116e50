"""The trained model's form: exact whatever the neighbours, damaged files refused, weights that mean what they say."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Author, Comment
from monitor.signals.model import Look, Model, as_probabilities, dump, load
from monitor.signals.ngrams import alone, buckets, shared
from monitor.signals.prepared import Prepared, prepare
from monitor.signals.stack import feature_names, features
from monitor.signals.weights import KINDS, OUTPUTS, TABLES, Calibration, Columns, Output, Stack, WeightsDamaged, parse

LANGUAGES = ("de", "en", "es", "fr", "it", "nl", "pt", "ar", "hi")
ANY = st.text(
    st.sampled_from("ab ?!@#>:😡👍\u200f\u0301\ud800\n") | st.characters(codec=None, categories=None), max_size=80
)
SAID = st.lists(st.sampled_from(["thanks", "worst", "the link is dead", "?", "@anna", "NOW", "scam", "😡"])).map(
    " ".join
)


def prepared(text: str, **fields: object) -> Prepared:
    comment = Comment("1", "comment", text, Author("1", "Anna"), datetime(2026, 3, 1, tzinfo=UTC))
    return prepare(replace(comment, **fields))  # type: ignore[arg-type]


@cache
def tables() -> dict[str, np.ndarray]:
    widths = {"outputs": len(OUTPUTS), "kinds": len(KINDS), "languages": len(LANGUAGES)}
    some = np.random.default_rng(3)
    return {name: some.integers(-90, 91, (1 << bits, widths[name])).astype(np.int8) for name, bits in TABLES.items()}


def made() -> Stack:
    def columns(names: tuple[str, ...]) -> Columns:
        return Columns(names, tuple(0.001 * place for place, _ in enumerate(names, 3)), (0.01,) * len(names))

    def output(name: str) -> Output:
        weights = {f"model.{name}": 0.7, "model.angry": 0.31, "group.angry.verdict": 1.7, "surface.shouts": 1.234567}
        return Output(-1.9, weights, 0.4, Calibration(0.9, 0.2))

    kinds = {"typo": Output(0.5, {"kind.typo": 1.0, "group.mistake.typo": 9.0}, 0.5)}
    outputs = {name: output(name) for name in OUTPUTS}
    return Stack(
        {"outputs": columns(OUTPUTS), "kinds": columns(KINDS), "languages": columns(LANGUAGES)},
        outputs,
        0.2,
        0.1,
        kinds,
    )


@cache
def model() -> Model:
    written, npz = dump(made(), tables())
    return load(parse(written.encode()), npz)


@settings(max_examples=100, deadline=None)
@given(st.lists(ANY | SAID, max_size=6))
def test_a_text_has_exactly_the_same_log_odds_whatever_its_neighbours(texts: list[str]):
    batch = [prepared(text) for text in texts]
    together = model().logits(batch)
    assert together.shape == (len(texts), len(OUTPUTS))
    assert together.tolist() == [model().logits([one])[0].tolist() for one in batch]
    assert np.isfinite(together).all()


@settings(max_examples=100, deadline=None)
@given(ANY | SAID)
def test_the_log_odds_are_what_the_readable_file_says(text: str):
    one = prepared(text, stars=1.0)
    values = model().outputs.values([one.seen])[0]
    names, found = features([one])
    inputs = dict(zip((*(f"model.{name}" for name in OUTPUTS), *names), (*values, *found[0]), strict=True))
    for column, name in enumerate(OUTPUTS):
        said = made().stack[name]
        plain = said.bias + sum(weight * inputs[input] for input, weight in said.weights.items())
        expected = said.calibration.slope * plain + said.calibration.offset
        assert model().logits([one])[0, column] == pytest.approx(expected, abs=2e-4)


@settings(max_examples=50, deadline=None)
@given(ANY | SAID)
def test_what_a_word_adds_is_the_weight_of_its_grams_in_log_odds(text: str):
    one = prepared(text)
    n = len(next(buckets([one.seen]))[0])
    scale = 0.9 * 0.7 * made().tables["outputs"].scales[3] / n**0.5  # slope * the stack's weight of its own output
    angry = 0.9 * 0.31 * made().tables["outputs"].scales[0] / n**0.5
    table = tables()["outputs"]
    read = alone(one.seen)
    expected = shared(one.seen, read, [table[ids, 3] * scale + table[ids, 0] * angry for ids in read.ids])
    assert Look(model(), one).by_word(3) == pytest.approx(expected, abs=1e-4)


def test_what_a_feature_adds_is_its_weight_times_its_value():
    adds = Look(model(), prepared("THE WORST EVER")).by_feature(0)
    assert adds["group.angry.verdict"] == pytest.approx(0.9 * 1.7, abs=1e-5)
    assert adds["surface.shouts"] == pytest.approx(0.9 * 1.234567, abs=1e-5)
    assert adds["surface.few_stars"] == 0.0


def test_features_are_exact_quarters_with_a_name_each():
    names, found = features(
        [prepared("WORST EVER THING!!! thanks for nothing 😡😡 @anna ???", stars=1.3), prepared("")]
    )
    assert names == feature_names()
    assert found.shape == (2, len(names))
    assert len(set(names)) == len(names)
    assert (found * 4 == np.rint(found * 4)).all()
    assert dict(zip(names, found[0], strict=True))["surface.shouts"] == 1.0
    assert dict(zip(names, found[0], strict=True))["surface.few_stars"] == 1.75


def test_probabilities_rise_with_the_log_odds_and_stay_between_zero_and_one():
    found = as_probabilities(np.array([-1e6, -16.0, -1.0, 0.0, 0.5, 16.0, 1e6]))
    assert found.tolist() == sorted(found.tolist())
    assert (found[0], found[3], found[-1]) == (0.0, 0.5, 1.0)


def test_the_kind_of_a_mistake_takes_phrases_into_account():
    always, never = (Model(replace(made(), kind_from=least), tables()) for least in (0.0, 1.0))
    batch = [prepared("hm"), prepared("you have a typo in the headline"), prepared("")]
    assert always.read(batch).kinds[1] == "typo"
    assert set(always.read(batch).kinds) <= set(KINDS)
    assert never.read(batch).kinds == ["", "", ""]


def test_a_language_is_named_only_where_it_is_ahead_of_the_second():
    unsure = Model(replace(made(), language_lead=1e3), tables())
    sure = Model(replace(made(), language_lead=0.0), tables())
    assert unsure.language([prepared("wo ist das denn")]) == [""]
    assert sure.language([prepared("wo ist das denn")])[0] in LANGUAGES


def test_weights_are_written_the_same_way_twice_and_their_version_is_of_their_content():
    assert dump(made(), tables()) == dump(made(), tables())
    other = {**tables(), "kinds": tables()["kinds"] * 0}
    versions = {json.loads(dump(*one)[0])["version"] for one in ((made(), tables()), (made(), other))}
    versions.add(json.loads(dump(replace(made(), kind_from=0.3), tables())[0])["version"])
    assert len(versions) == 3


def test_a_stack_is_read_back_as_it_was_written():
    written, _ = dump(made(), tables())
    assert parse(written.encode()).as_json() == written
    assert replace(parse(written.encode()), version="") == made()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace("-1.9", "NaN", 1),
        lambda text: text.replace("-1.9", '"much"', 1),
        lambda text: text.replace('"needs_reply": {', '"needs_tea": {'),
        lambda text: text.replace('"scales": [', '"scales": [1, '),
        lambda text: "[]",
        lambda text: "\ufffe",
    ],
)
def test_a_damaged_stack_is_refused(damage):
    written, npz = dump(made(), tables())
    with pytest.raises(WeightsDamaged, match="install heedful again"):
        load(parse(damage(written).encode()), npz)


def test_damaged_tables_are_refused():
    written, npz = dump(made(), tables())
    other, other_npz = dump(made(), {**tables(), "kinds": tables()["kinds"] * 0})
    for broken in (b"", npz[:1000], npz[:-100], b"PK" + npz[2:500], other_npz):
        with pytest.raises(WeightsDamaged, match="install heedful again"):
            load(parse(written.encode()), broken)
    assert load(parse(other.encode()), other_npz).stack.version != load(parse(written.encode()), npz).stack.version


def test_importing_the_signals_does_not_import_numpy():
    asks = "import sys, monitor.signals, monitor.signals.flags; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
