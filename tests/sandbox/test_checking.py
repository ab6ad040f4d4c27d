"""What a letter of a template of one's own must bring, what may not stand in it, and on which line it is."""

import re

import pytest

from app.errors import TemplateRefused
from app.sandbox.checking import titles_of
from app.sandbox.faults import in_words
from tests.sandbox import HOSTS, PRODUCTS, frame, set_own, try_own, variables

LINE = 3
#: What may not stand in a letter, and how it is called.
FORBIDDEN = [
    ("<script>alert(1)</script>", "tag"), ("<form></form>", "tag"),
    ("<iframe src='https://a.example/'></iframe>", "tag"),
    ("<link rel='stylesheet' href='https://a.example/a.css' />", "tag"), ("<base href='https://a.example/' />", "tag"),
    ("<svg></svg>", "tag"), ("<meta http-equiv='refresh' content='0' />", "tag"), ("<mj-include path='a' />", "tag"),
    ("<mj-font name='A' href='https://a.example/a.css' />", "tag"), ("<mj-txet>a</mj-txet>", "tag"),
    ("<!--[if mso]><script>alert(1)</script><![endif]-->", "tag"), ("<{{ 'scr' ~ 'ipt' }}>a</script>", "tag"),
    ("<p onclick='a()'>a</p>", "attribute"), ("<img srcset='https://a.example/a.png' />", "attribute"),
    ("<a href='javascript:a()'>a</a>", "address"), ("<a href='java&#115;cript:a()'>a</a>", "address"),
    ("<a href='/relative'>a</a>", "address"), ("<a href='https://a.example/ b'>a</a>", "address"),
    ("<img src='https://other.example/a.png' alt='' />", "picture"),
    ("<img src='http://newsroom.example/a.png' />", "picture"),
    ("<img src='https://newsroom.example/a.webp' alt='' />", "picture"),
    ("<img src='data:image/png;base64,AA' />", "picture"),
    ("<img src='https://evilnewsroom.example/a.png' />", "picture"),
    ("<td background='https://a.example/a.png'>a</td>", "picture"),
    ("<p style='background:url(https://a.example/a.png)'>a</p>", "picture"),
    ("<img src='https://newsroom.example/a.png' width='1' height='1' alt='' />", "pixel"),
    ("<p style='width:expression(a)'>a</p>", "style"), ("<p style='a:\\75rl(x)'>a</p>", "style"),
    ("<!--><script>alert(1)</script>-->", "tag"), ("<!-- a --!><script>alert(1)</script>-->", "tag"),
    ("<![CDATA[><script>alert(1)</script>]]>", "tag"), ("<?php a ?>", "tag"),
    ("<a href='javascript:a()' href='https://a.example/'>a</a>", "address"),
    ("<p title='</p><script>alert(1)</script>'>a</p>", "balance"),
    ("<p style='a:image-set(\"https://newsroom.example/a.png\" 1x, \"https://a.example/\" 2x)'>a</p>", "style"),
    ("<p>a", "balance"), ("a</b>", "balance"), ("<a <b>a</a>", "balance"),
]  # fmt: skip


@pytest.mark.parametrize(("piece", "fault"), FORBIDDEN)
def test_what_has_no_place_in_a_letter_is_refused_with_its_line(piece: str, fault: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        try_own(frame(f"{{% if kind %}}\n{piece}\n{{% endif %}}"), variables(), HOSTS)
    assert (refused.value.fault, refused.value.line) == (fault, LINE + 1)
    assert in_words(refused.value, "en").startswith(f"Line {LINE + 1}: ")
    with pytest.raises(TemplateRefused):
        set_own(frame(piece), variables(), HOSTS)


@pytest.mark.parametrize(
    "style", ["@import url(https://a.example/a.css);", "@font-face{}", "p{background:url(//a.example/a.gif)}"]
)
def test_a_style_brings_nothing_from_elsewhere(style: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        try_own(frame("a", f"\n<mj-style>{style}</mj-style>"), variables(), HOSTS)
    assert refused.value.line == 2


@pytest.mark.parametrize(
    ("name", "fault"),
    [("unsubscribe_url", "link-missing"), ("preferences_url", "link-missing"), ("privacy_url", "link-missing"),
     ("legal_url", "link-missing"), ("publisher", "text-missing"), ("postal_address", "text-missing"),
     ("contact", "text-missing"), ("reason", "text-missing"), ("introduction", "text-missing"),
     ("story.title", "story-missing"), ("language", "language")],
)  # fmt: skip
def test_what_each_letter_must_bring_is_missed(name: str, fault: str) -> None:
    instead = "https://elsewhere.example/" if name.endswith("_url") else ""
    with pytest.raises(TemplateRefused) as refused:
        set_own(PRODUCTS.replace(f"{{{{ {name} }}}}", instead), variables(), HOSTS)
    assert refused.value.fault == fault


@pytest.mark.parametrize("name", ["subject", "preheader"])
def test_a_story_that_only_the_subject_or_the_preheader_names_is_missed(name: str) -> None:
    [title] = titles_of(variables())[:1]
    given = variables(**{name: f"{title} – Vigie"})
    without = PRODUCTS.replace("{% for story in section.stories %}", "{% for story in section.stories[1:] %}")
    with pytest.raises(TemplateRefused) as refused:
        set_own(without, given, HOSTS)
    assert (refused.value.fault, refused.value.name) == ("story-missing", title)


@pytest.mark.parametrize("label", ["<b>{{ words.unsubscribe }}</b>", "", "&nbsp;"])
def test_a_personal_link_stands_around_plain_words_so_that_the_archive_can_replace_it(label: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        set_own(PRODUCTS.replace("{{ words.unsubscribe }}", label), variables(), HOSTS)
    assert refused.value.fault == "link-dressed"
    with pytest.raises(TemplateRefused):
        set_own(PRODUCTS.replace("{{ heading }}", "{{ unsubscribe_url }}"), variables(), HOSTS)


def test_a_letter_to_whom_no_preferences_belong_lacks_none() -> None:
    assert "/preferences" not in set_own(PRODUCTS, variables(preferences_url=""), HOSTS)


def test_the_newsrooms_own_pictures_and_columns_may_stand_in_it() -> None:
    logo = '<mj-image src="https://www.newsroom.example/logo.png" alt="Vigie" width="120px" />'
    html = try_own(re.sub(r'(<mj-divider css-class="ruler" border-w)', rf"{logo}\1", PRODUCTS), variables(), HOSTS)
    assert 'src="https://www.newsroom.example/logo.png"' in html


def test_a_style_is_looked_at_though_its_words_stood_elsewhere_before() -> None:
    words = "background:url(https://a.example/a.gif)"
    with pytest.raises(TemplateRefused) as refused:
        try_own(frame(f"<!--[if mso]>{words}<![endif]-->\n<p style='{words}'>{words}</p>"), variables(), HOSTS)
    assert (refused.value.fault, refused.value.line) == ("picture", LINE + 1)


def test_a_tag_that_a_value_forms_in_one_letter_only_is_refused_then() -> None:
    source = PRODUCTS.replace("{{ heading }}", "<p style='{{ heading }}'>a</p>")
    assert set_own(source, variables(heading="color:#000000"), HOSTS)
    with pytest.raises(TemplateRefused):
        set_own(source, variables(heading="background:url(https://a.example/)"), HOSTS)
