"""A template is tried on every kind of letter before it is saved."""

import pytest

from app.errors import InputRefused, TemplateRefused
from app.gate.findings import What
from app.gate.trials import Trial, save_trial, trial_editions, try_template
from app.newsletters.templates import product_template
from app.product import Product
from tests.conftest import NOW, ON_SQLITE
from tests.make import newsletter

#: One kind of database is enough here: no query is tested.
pytestmark = ON_SQLITE


def tried(product: Product, source: str) -> Trial:
    with product.database.reading() as session:
        return try_template(source, newsletter=newsletter(session), config=product.config, links=product.links, now=NOW)


def test_the_products_own_template_passes_without_a_word(product: Product) -> None:
    assert tried(product, product_template()) == Trial(product_template(), ())


def test_line_ends_of_a_form_are_those_of_a_file(product: Product) -> None:
    assert tried(product, "\r\n" + product_template().replace("\n", "\r\n")).source == product_template()


def test_trials_have_all_that_a_template_may_meet(product: Product) -> None:
    with product.database.reading() as session:
        editions = list(trial_editions(newsletter(session), NOW))
    assert {edition.language for edition in editions} == {"fr", "en"}
    assert len({edition.kind for edition in editions}) == 3
    items = [item for edition in editions for item in edition.items]
    assert {bool(item.section) for item in items} == {bool(item.also) for item in items} == {True, False}
    assert {bool(item.article.link) for item in items} == {True, False}
    assert max(len(edition.items) for edition in editions) == 30
    assert "" in {edition.introduction for edition in editions}


DIGEST = '{% if kind == "digest" %}'
RULE = '<mj-divider css-class="ruler" border-width="3px"'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (DIGEST, '{% if kind == "erratum" %}{{ nothing }}{% endif %}' + DIGEST),
        (DIGEST, '{% if kind == "erratum" %}{{ words.no }}{% endif %}' + DIGEST),
        (DIGEST, '{% if kind == "flash" %}<script></script>{% endif %}' + DIGEST),
        ('<p class="soft" style="margin:10px', '<b><p class="soft" style="margin:10px'),
        ("{{ story.read_on }}", "{{ story.read_on.upper() }}"),
        ("<mj-raw>\n{%", "<mj-raw><mj-wrong>\n{%"),
    ],
)
def test_a_fault_in_a_place_that_few_letters_reach_is_found(product: Product, old: str, new: str) -> None:
    line = product_template().partition(old)[0].count("\n") + 1
    with pytest.raises(TemplateRefused) as refused:
        tried(product, product_template().replace(old, new))
    assert refused.value.line == line


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('line-height="1.6" color="#565a61"', 'line-height="1.6" color="#fdfdfd"', What.CONTRAST_UNREADABLE),
        ("h1", "h4", What.HEADING_MISSING),
        ("</mj-style>", "a[href*=unsubscribe] {font-size:0 !important}</mj-style>", What.LEAVE_HIDDEN),
        (RULE, f"<mj-text><a href='https://example.com/'>a</a></mj-text>{RULE}", What.LINK_PLACEHOLDER),
        (RULE, f"<mj-text><p id='a'>a</p><p id='a'>a</p></mj-text>{RULE}", What.ID_TWICE),
        (RULE, f"<mj-text><img src='https://newsletter.example/a.png' /></mj-text>{RULE}", What.ALT_MISSING),
    ],
)
def test_what_the_gate_would_keep_back_is_not_saved(product: Product, old: str, new: str, what: What) -> None:
    trial = tried(product, product_template().replace(old, new))
    assert what in {finding.what for finding in trial.failures}
    with product.database.transaction() as session, pytest.raises(TemplateRefused, match=what.value):
        save_trial(session, trial, newsletter_id=1, note="", author="a@desk.example", now=NOW)


def test_a_template_leaves_room_for_thirty_stories(product: Product) -> None:
    with pytest.raises(InputRefused, match="too long"):
        tried(
            product, product_template().replace('<tr><td class="piece', f'<!-- {"x" * 4_000} --><tr><td class="piece')
        )
