"""An edition of a newsletter that has a template of its own."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.digests.extras import set_extra
from app.editions.audience import start_edition
from app.editions.compose import preview, read_manuscript, set_letter
from app.editions.draft import fingerprint
from app.editions.models import Edition, EditionKind
from app.editions.typeset import Parts
from app.errors import EditionChanged, InputRefused, NotFound, TemplateRefused
from app.newsletters.templates import add_version, product_template, put_in_force, versions_of, without_source
from app.product import Product
from tests.conftest import NOW
from tests.editions.press import make_draft, start
from tests.make import make_article, newsletter

RED, GREEN = "#a3171f", "#105020"


def use(session: Session, source: str) -> int:
    """Add a version and put it in force."""
    newsletter_id = newsletter(session).id
    added = add_version(
        session, newsletter_id=newsletter_id, source=source, note=" a  note ", author="a@desk.example", now=NOW
    )
    put_in_force(session, newsletter_id=newsletter_id, version=added.version)
    return added.version


def letter(session: Session, product: Product, edition_id: int) -> Parts:
    manuscript = read_manuscript(session, edition_id=edition_id, now=NOW)
    return set_letter(manuscript, config=product.config, links=product.links, now=NOW).parts


@pytest.fixture
def draft(product: Product) -> int:
    with product.database.transaction() as session:
        edition = make_draft(session)
        edition.introduction = "*Une* semaine, [un dossier](https://news.example/d?a=1&b=2)."
        return edition.id


def test_a_copy_of_the_products_template_sets_the_very_same_letter(product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        before = letter(session, product, draft)
        use(session, product_template())
        assert letter(session, product, draft) == before
        use(session, product_template().replace(RED, GREEN))
        after = letter(session, product, draft)
    assert after.text == before.text
    assert GREEN in after.html
    assert after.html.replace(GREEN, RED) == before.html


def test_the_template_in_force_is_part_of_what_was_looked_at(product: Product, draft: int) -> None:
    seen = []
    for version in (None, 1, 2, 1, None):
        with product.database.transaction() as session:
            if len(seen) in {1, 2}:
                use(session, product_template() + f"<!-- {len(seen)} -->")
            put_in_force(session, newsletter_id=1, version=version)
        with product.database.reading() as session:
            seen.append(fingerprint(session.get_one(Edition, draft)))
    assert len(set(seen)) == 3
    assert (seen[0], seen[1]) == (seen[4], seen[3])


def test_nothing_leaves_in_a_look_that_was_not_looked_at(product: Product, draft: int) -> None:
    with product.database.reading() as session:
        manuscript = read_manuscript(session, edition_id=draft, now=NOW)
    looked_at = set_letter(manuscript, config=product.config, links=product.links, now=NOW)
    with product.database.transaction() as session:
        use(session, product_template().replace(RED, GREEN))
    with product.database.transaction() as session, pytest.raises(EditionChanged):
        start_edition(session, letter=looked_at, actor="a@desk.example", now=NOW, announce=product.announce)


def test_what_has_left_stays_as_it_left(product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        use(session, product_template().replace(RED, GREEN))
    with product.database.transaction() as session:
        edition = session.get_one(Edition, draft)
        start(session, product, edition)
        put_in_force(session, newsletter_id=1, version=None)
        session.flush()
        shown = preview(session, edition=edition, config=product.config, links=product.links, now=NOW)
    assert GREEN in shown.html
    assert "mark-" not in shown.html


def test_extras_are_set_from_it_too(product: Product) -> None:
    with product.database.transaction() as session:
        use(session, product_template().replace("{{ heading }}", "{{ kind }} {{ heading }}"))
        article = make_article(session, title="{{7*7}} <mj-raw> & {% raw %}", language="fr")
        extra = set_extra(
            session, article, kind=EditionKind.FLASH, newsletter_id=1, language="fr", since=NOW, now=NOW,
            config=product.config, links=product.links,
        )  # fmt: skip
    assert "flash Flash" in extra.parts.html
    assert "{{7*7}} &lt;mj-raw&gt; &amp; {% raw %}" in extra.parts.html


def test_a_template_that_fails_an_edition_keeps_it_back(product: Product, draft: int) -> None:
    with product.database.transaction() as session:
        use(session, product_template().replace("{{ reason }}", "{% if introduction %}{{ introduction.x }}{% endif %}"))
        with pytest.raises(TemplateRefused, match=r"Line 137: .*no attribute 'x'"):
            letter(session, product, draft)
        use(session, product_template())
        config = replace(product.config, identity=replace(product.config.identity, postal_address=" "))
        with pytest.raises(InputRefused, match="postal address"):
            letter(session, replace(product, config=config), draft)


def test_versions_are_numbered_and_never_changed(product: Product) -> None:
    with product.database.transaction() as session:
        assert [use(session, "a\n"), use(session, "b\n"), use(session, "a\n")] == [1, 2, 3]
        with pytest.raises(InputRefused, match="newest version"):
            use(session, "a\n")
        with pytest.raises(InputRefused, match="note: this is too long"):
            add_version(session, newsletter_id=1, source="c", note="n" * 201, author="a@desk.example", now=NOW)
        for newsletter_id, version in ((1, 4), (9, None)):
            with pytest.raises(NotFound):
                put_in_force(session, newsletter_id=newsletter_id, version=version)
    with product.database.reading() as session:
        listed = session.scalars(without_source(versions_of(1))).all()
        assert [(each.version, each.note) for each in listed] == [(3, "a note"), (2, "a note"), (1, "a note")]
        assert session.scalars(select(Edition)).all() == []
