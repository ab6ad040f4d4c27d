"""New versions of wordings and policies: what is refused, what is left out, and that no old one changes."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.errors import ChangedMeanwhile, FieldsRefused
from app.newsletters.defaults import install_defaults
from app.newsletters.models import ConsentWording, WordingPurpose, current_policy, current_wording
from app.newsletters.writing import WordingText, clean_policy, write_policy, write_wording
from app.product import Product
from app.settings.publication import Identity
from tests.conftest import NOW

ACTOR = "ada@desk.example"
FORM = WordingPurpose.NEWSLETTER
TEXT = WordingText("Restez au fait", "Vous acceptez la lettre ; voyez notre [politique].", "S’abonner")
LATER = NOW + timedelta(hours=1)


def write(
    product: Product, text: WordingText = TEXT, *, seen: int = 1, purpose: WordingPurpose = FORM
) -> ConsentWording:
    with product.database.transaction() as session:
        return write_wording(
            session, newsletter_id=1, purpose=purpose, language="fr", text=text, seen=seen, actor=ACTOR, now=LATER
        )


def policy(product: Product, body: str, *, seen: int = 1) -> str:
    with product.database.transaction() as session:
        return write_policy(session, language="fr", body=body, seen=seen, actor=ACTOR, now=LATER).body


def test_a_new_version_is_added_and_the_old_one_stays_as_it_was(product: Product) -> None:
    with product.database.reading() as session:
        before = session.scalars(current_wording(1, "fr")).one()
    written = write(product)
    assert (written.version, written.written_by, written.created_at) == (2, ACTOR, LATER)
    with product.database.reading() as session:
        old = session.get_one(ConsentWording, before.id)
        assert (old.statement, old.sha256, old.version) == (before.statement, before.sha256, 1)
        assert session.scalars(current_wording(1, "fr")).one().statement == TEXT.statement


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (replace(TEXT, heading=""), {"heading": "empty"}),
        (replace(TEXT, button="x" * 61), {"button": "long"}),
        (replace(TEXT, statement="no link"), {"statement": "link"}),
        (replace(TEXT, statement="[two] and [links]"), {"statement": "link"}),
        (replace(TEXT, statement="\N{RIGHT-TO-LEFT OVERRIDE}[link]"), {"statement": "empty"}),
    ],
)
def test_what_no_form_can_show_is_refused_by_field(product: Product, text: WordingText, faults: dict[str, str]) -> None:
    with pytest.raises(FieldsRefused) as refused:
        write(product, text)
    assert refused.value.faults == faults


def test_who_did_not_see_the_version_in_force_replaces_nothing(product: Product) -> None:
    write(product)
    with pytest.raises(ChangedMeanwhile):
        write(product, replace(TEXT, button="Oui"))
    with pytest.raises(FieldsRefused) as refused:
        write(product, seen=2)
    assert refused.value.faults == {"statement": "same"}
    with pytest.raises(ChangedMeanwhile):
        policy(product, "<p>x</p>", seen=7)


def test_the_products_own_wording_typed_as_it_stands_is_no_new_one(product: Product) -> None:
    with product.database.reading() as session:
        own = session.scalars(current_wording(1, "fr")).one()
    assert "\N{NO-BREAK SPACE}" in own.statement
    typed = WordingText.typed(
        WordingPurpose.NEWSLETTER, heading=own.heading, statement=f"{own.statement}\r\n", button=own.button
    )
    with pytest.raises(FieldsRefused) as refused:
        write(product, typed)
    assert refused.value.faults == {"statement": "same"}


def test_beside_a_box_stands_a_statement_alone(product: Product) -> None:
    typed = WordingText.typed(WordingPurpose.MEASUREMENT, heading="h", statement=" Oui,\n[voyez]. ", button="b")
    assert typed == WordingText("", "Oui, [voyez].", "")
    assert write(product, typed, seen=1, purpose=WordingPurpose.MEASUREMENT).version == 2


def test_a_policy_keeps_what_the_products_own_is_made_of_and_nothing_that_runs(product: Product) -> None:
    with product.database.reading() as session:
        own = session.scalars(current_policy("fr")).one().body
    assert policy(product, own + "<p>Et ceci.</p>").startswith(clean_policy(own))
    for tag in ("<h2 id=", "<dl>", "<dt>", 'href="mailto:', '<span class="nowrap">'):
        assert (tag in clean_policy(own)) == (tag in own), tag
    hostile = (
        '<p onclick="x()">a<script>x()</script><img src=x onerror=x()></p><a href="javascript:x()">b</a>'
        '<style>p{}</style><iframe src="https://a.example"></iframe><span class="bar nowrap" style="x">c</span>'
    )
    assert clean_policy(hostile) == '<p>a</p><a>b</a><span class="nowrap">c</span>'
    for body, fault in (("<script>x</script>", "empty"), (" ", "empty"), ("x" * 60_001, "long")):
        with pytest.raises(FieldsRefused) as refused:
            policy(product, body, seen=2)
        assert refused.value.faults == {"body": fault}


def test_what_somebody_wrote_an_upgrade_leaves_in_force(product: Product) -> None:
    write(product)
    policy(product, "<h2>Vos données</h2><p>Deux ans.</p>")
    changed = replace(product.config, identity=replace(Identity(), publication="La Jetée"))
    with product.database.transaction() as session:
        install_defaults(session, changed, LATER)
    with product.database.reading() as session:
        versions = session.execute(select(ConsentWording.language, ConsentWording.purpose, ConsentWording.version))
        newest = {(language, purpose.value): version for language, purpose, version in sorted(versions.all())}
        assert newest[("fr", "newsletter")] == 2
        assert newest[("en", "newsletter")] == 2, "nobody wrote that one: it follows the settings"
        assert session.scalars(current_policy("fr")).one().body == "<h2>Vos données</h2><p>Deux ans.</p>"
