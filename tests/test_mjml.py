"""MJML to HTML, and the wrapping of plain text."""

import jinja2
import pytest

from app import templating
from app.errors import InputRefused
from app.mjml import render_mjml, render_text, required, wrap_text

FRAME = (
    "<mjml><mj-head><mj-title>T</mj-title></mj-head><mj-body><mj-section><mj-column><mj-text>%s</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)


@pytest.fixture
def render(monkeypatch: pytest.MonkeyPatch):
    """Renders a template given as text."""

    def render_source(source: str, **context: object) -> str:
        environment = jinja2.Environment(
            loader=jinja2.DictLoader({"letter.mjml": source}), autoescape=True, undefined=jinja2.StrictUndefined
        )
        monkeypatch.setattr(templating, "environment", lambda: environment)
        return render_mjml("letter.mjml", "en", **context)

    return render_source


def test_a_value_is_escaped_once_and_never_rendered_again(render) -> None:
    html = render(FRAME % "{{ title }}", title="""L'été &amp; <b>"x"</b> {{ 7*7 }} {% raw %}""")
    assert "L&#39;été &amp;amp; &lt;b&gt;&#34;x&#34;&lt;/b&gt; {{ 7*7 }} {% raw %}" in html


def test_a_value_cannot_become_a_tag_of_the_typesetter(render) -> None:
    html = render(FRAME % "{{ title }}", title='</mj-text><mj-include path="file:///etc/passwd" /><mj-text>')
    assert "root:" not in html
    assert "&lt;mj-include" in html


@pytest.mark.parametrize("body", ["<mj-txet>a</mj-txet>", "<mj-include path='a' />", "<p>open", "</p>"])
def test_a_faulty_template_is_refused_instead_of_losing_content(render, body: str) -> None:
    with pytest.raises(ValueError, match=r"unknown MJML tag|balance"):
        render(FRAME % body)


@pytest.mark.parametrize("body", ["<script>a</script>", '<img src="https://x.example/a.png" />', "<form></form>"])
def test_what_mail_clients_block_is_refused(render, body: str) -> None:
    with pytest.raises(ValueError, match="may not stand in a letter"):
        render(FRAME % body)


def test_nesting_that_would_kill_the_native_parser_is_refused(render) -> None:
    with pytest.raises(InputRefused):
        render(FRAME % ("<div>" * 50_000 + "</div>" * 50_000))


def test_a_letter_beyond_all_measure_is_refused(render) -> None:
    with pytest.raises(InputRefused):
        render(FRAME % "{{ text }}", text="a" * 600_000)


def test_no_font_is_fetched_from_anywhere(render) -> None:
    html = render(FRAME % "a")
    assert "@import" not in html
    assert "<link" not in html


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_letter_without_publisher_or_address_is_refused(blank: str) -> None:
    with pytest.raises(InputRefused):
        required(blank)


def test_lines_are_folded_at_plain_spaces_only() -> None:
    text = "« Personne n’a cédé », assure un négociateur : voilà ce que dit le texte publié mardi à Genève."
    text = text.replace("« ", "«\u00a0").replace(" »", "\u00a0»").replace(" :", "\u00a0:")
    for width in range(20, 80):
        lines = wrap_text(text, width).split("\n")
        assert max(map(len, lines)) <= width
        assert " ".join(lines) == text
        assert not any(line.startswith((":", "»")) or line.endswith("«") for line in lines)


def test_a_url_is_never_cut() -> None:
    url = "https://news.example/" + "a" * 200 + "-b-" * 40
    assert url in wrap_text(f"Read this: {url} and then that.").split("\n")


def test_text_keeps_its_no_break_spaces_and_has_no_double_blank_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = jinja2.Environment(loader=jinja2.DictLoader({"letter.txt": "Lire\u00a0: {{ a }}\n\n\n\n\nfin\n\n"}))
    monkeypatch.setattr(templating, "environment", lambda: environment)
    assert render_text("letter.txt", "fr", a="ici") == "Lire\u00a0: ici\n\nfin\n"
