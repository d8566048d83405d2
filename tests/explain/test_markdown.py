"""Text that a stranger chose is shown by Markdown as it is, and makes nothing of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bugsly_server.explain.markdown import WORD_JOINER, code, escaped, fenced

FRAGMENTS = (
    *("`", "``", "```", "~~~", "~~", "*", "**", "_", "__", "#", "## ", "> ", "- ", "+ ", "= "),
    *("1. ", "2) ", "[a](http://evil.test)", "![a](http://evil.test/x.png)", "[a]: http://b.test"),
    *("<b>", "</div>", "<!--", "<script>", "&lt;", "&#64;", "|", "$", "\\", "\n", "\n\n", "\r"),
    *("https://evil.test", "http://", "ftp://evil.test", "www.evil.test", "WWW.evil.test"),
    *("@everyone", "me@evil.test", "mailto:me@evil.test", "\t", "    ", "\u202e", "\x1b[31m"),
    *(
        "a",
        "log",
        "SEEN",
        " ",
        ".",
        ":",
        "/",
        "(",
        ")",
        "!",
        "0",
        "é",
        "中",
        "---",
        "===",
        "- [ ] ",
    ),
)
HOSTILE_TEXTS = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=12).map("".join)
PLACES = ("# {}", "- {}", "- **Cause:** {}", "{}", "> {}", "**Fix.** {}")
INVISIBLE = ("\u202e", "\x1b", "\r", "\n", "\t")


def renderer() -> MarkdownIt:
    """Return what renders as GitHub does, which makes links of web addresses."""
    markdown = MarkdownIt("gfm-like", {"html": True})
    assert markdown.linkify is not None
    markdown.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    return markdown


def kinds(tokens: list[Token]) -> list[str]:
    """Return what a document is made of, apart from how its text is cut."""
    found = []
    for token in tokens:
        found.append(token.type)
        found += [one.type for one in token.children or () if one.type != "text"]
    return found


def shown(tokens: list[Token]) -> str:
    return "".join(
        one.content for token in tokens for one in token.children or () if one.type == "text"
    )


def as_one_line(text: str) -> str:
    for letter in INVISIBLE:
        text = text.replace(letter, " ")
    return " ".join(text.split())


@pytest.mark.parametrize("place", PLACES)
@given(text=HOSTILE_TEXTS.filter(as_one_line))
def test_escaped_text_is_shown_as_it_is_wherever_it_stands(place: str, text: str) -> None:
    rendered = renderer().parse(place.format(escaped(text)))
    expected = renderer().parse(place.format("word"))
    assert kinds(rendered) == kinds(expected)
    visible = shown(rendered).replace(WORD_JOINER, "")
    assert visible == shown(expected).replace("word", as_one_line(text))


@given(text=HOSTILE_TEXTS.filter(as_one_line))
def test_a_code_span_is_not_left(text: str) -> None:
    (_, inline, _) = renderer().parse(f"Holder: {code(text)}, and so on")
    assert [one.type for one in inline.children or ()] == ["text", "code_inline", "text"]
    assert (inline.children or [])[1].content.strip() == as_one_line(text)


@given(text=st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join))
def test_a_fence_is_not_left(text: str) -> None:
    tokens = renderer().parse(f"{fenced(text, 'text')}\n\nafter")
    assert [one.type for one in tokens] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]


def test_names_of_python_stay_readable() -> None:
    assert escaped("shop.views.request_log grows") == "shop.views.request_log grows"


def test_web_and_mail_addresses_and_mentions_are_broken() -> None:
    told = escaped("see www.evil.test or https://evil.test, @admin")
    assert told == f"see www\\.evil.test or https\\://evil.test, @{WORD_JOINER}admin"
