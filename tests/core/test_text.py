"""Text from outside: out of HTML, fit to be stored, fit to be shown."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.text import excerpt, plain_text, printable, storable
from tests.growth import MOST, TIMES, growth

# Any text at all, halves of surrogate pairs included.
ANYTHING = st.text(st.characters())
TRICKS = st.text("a\u0301\u0336\u200b\u200c\u200d\u202e\u2066\ufeff\ufe0f\r\n\u2028👩🏽م\U000e0041\ud800 🏴")
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
TAGS = ["p", "br", "div", "li", "ul", "a href='https://a.example/b'", "span class=invisible", "pre", "script", "b"]
MARKUP = st.lists(
    st.one_of(
        st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag.split()[0]}>" for tag in TAGS]),
        st.sampled_from(
            ["&amp;", "&#0;", "&#xd800;", "&lt;b&gt;", "&nbsp;", "<!--", "-->", "<", "\x00", "\ud800", "\r"]
        ),
        ANYTHING,
    )
).map("".join)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("One<br><br><br><br>Two", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<p>Buy:</p><ul><li>tea</li><li>milk</li></ul>", "Buy:\n\ntea\nmilk"),
        ("<p>a <b> bold</b>\n word</p>", "a bold word"),
        ("<pre>first\n  second</pre>", "first\nsecond"),
        ("<pre><code>x\ny</code></pre>", "x\ny"),
        ("no&nbsp;break", "no break"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
    ],
)
def test_blocks_become_lines(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_entities_are_unescaped_once() -> None:
    assert plain_text("&amp;lt;b&amp;gt; &amp;amp; &quot;x&quot; &#39;") == '&lt;b&gt; &amp; "x" \''


def test_a_link_that_the_page_shortens_comes_out_whole() -> None:
    html = (
        '<p>See <a href="https://shop.example/a/long/path?x=1&amp;y=2"><span class="invisible">https://</span>'
        '<span class="ellipsis">shop.example/a/long</span><span class="invisible">/path?x=1&amp;y=2</span></a>!</p>'
    )
    assert plain_text(html) == "See https://shop.example/a/long/path?x=1&y=2!"
    assert plain_text('<a href="https://shop.example/abcdef">shop.example/abc…</a>') == "https://shop.example/abcdef"


def test_other_links_come_out_by_their_words() -> None:
    assert plain_text('<a href="https://shop.example/returns">our page</a>') == "our page"
    mention = '<span class="h-card"><a href="https://brand.example/@brand" class="u-url">@<span>brand</span></a></span>'
    assert plain_text(f"{mention} hello") == "@brand hello"
    assert plain_text('<a href="https://shop.example/a">and so on…</a>') == "and so on…"
    assert plain_text('<a href="javascript:x"><span class="invisible">x</span>y</a>') == "xy"


def test_what_a_reader_never_sees_is_left_out() -> None:
    html = "<script>steal()</script><style>p{}</style><template>t</template><!-- c --><p>seen</p>"
    assert plain_text(html) == "seen"


def test_an_emoji_drawn_as_a_picture_stays() -> None:
    assert plain_text('Thanks <img class="emoji" src="/1.svg" alt="🙂"/>') == "Thanks 🙂"


def test_angle_brackets_that_are_no_tags_stay() -> None:
    assert plain_text("I <3 this, 2 < 3 & so on") == "I <3 this, 2 < 3 & so on"


@given(MARKUP)
@example("<frameset><frame>")
@example("<svg><title>x</title></svg>")
@example("&#1;&#x80;")
def test_any_input_gives_a_storable_text_without_loose_blanks(html: str) -> None:
    text = plain_text(html)
    assert text == text.strip()
    assert "\n\n\n" not in text
    assert "\xa0" not in text
    assert storable(text) == text
    text.encode()


@given(ANYTHING)
def test_without_markup_the_short_way_gives_what_the_long_way_gives(text: str) -> None:
    text = text.replace("<", "").replace("&", "")
    assert plain_text(text) == plain_text(f"<span>{text}</span>")


@pytest.mark.parametrize("hostile", ["<b>", "<div>", "<a href=x>", "<p><b><i>", "&", "<table>", "<pre>", "</p>"])
def test_what_hostile_nesting_costs_grows_no_faster_than_the_text(hostile: str) -> None:
    assert growth(lambda n: plain_text(hostile * n), 80_000 // TIMES) < MOST


def test_storable_drops_what_a_database_refuses_and_nothing_else() -> None:
    assert storable("a\x00b\ud800c\r\nd\re\tf\u202eg\u200dh") == "ab" + "c\nd\ne\tf\u202eg\u200dh"


@given(st.one_of(ANYTHING, TRICKS))
def test_printable_leaves_nothing_that_changes_how_the_rest_is_read(text: str) -> None:
    shown = printable(text)
    assert not set(shown) & set("\x00\x1b\x7f\x9b\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\u2028\r")
    assert all(unicodedata.category(c) not in ("Cc", "Cs") or c in "\n\t" for c in shown)
    shown.encode()


@given(st.one_of(ANYTHING, TRICKS))
def test_printable_twice_is_printable_once(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize(
    "text",
    ["Grüße, 你好, שלום", "👩\u200d👩\u200d👧", ENGLAND, "می\u200cخواهم", "👍🏽", "a\u0301\u0323", "x\ty\nz"],
)
def test_printable_keeps_what_people_write(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc\u202edcba", "abcdcba"),
        ("re\u200bfu\u200dnd", "refund"),
        ("\x1b[31mred", "[31mred"),
        ("\u2066hidden\u2069", "hidden"),
        ("\ufeffa\u2060b\xadc", "abc"),
        ("a\U000e0041b", "ab"),
        ("H" + "\u0336" * 60 + "i", "H" + "\u0336" * 4 + "i"),
        ("one\u2028two\r\nthree\rfour", "one\ntwo\nthree\nfour"),
    ],
)
def test_printable_drops_what_hides_or_turns_text(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.one_of(ANYTHING, TRICKS), st.integers(0, 200))
def test_an_excerpt_is_one_line_of_at_most_its_length(text: str, length: int) -> None:
    cut = excerpt(text, length)
    assert len(cut) <= length
    assert len(cut.splitlines()) <= 1
    whole = " ".join(printable(text).split())
    assert cut == whole or not length or (cut.endswith("…") and whole.startswith(cut[:-1]))


def test_an_excerpt_is_cut_between_words_and_never_within_a_sign() -> None:
    assert excerpt("The total in the table is wrong", 20) == "The total in the…"
    assert excerpt("x" * 30, 10) == "x" * 9 + "…"
    assert excerpt("12345678👩\u200d👧 and more", 11) == "12345678…"
    assert excerpt("short") == "short"


def test_of_every_mark_there_is_no_more_than_four_are_stacked() -> None:
    marks = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) in ("Mn", "Me")]
    assert len(marks) > 1_000
    for mark in marks:
        shown = printable("a" + mark * 9)
        assert shown in ("a", "a" + mark * 4), f"U+{ord(mark):04X}"  # some are not shown at all
