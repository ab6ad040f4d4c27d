"""Payloads against every page that a stranger reaches: none does anything but come back as the text it is."""

from tests.conftest import ON_POSTGRESQL, ON_SQLITE
from tests.security.findings import Judge, problems
from tests.security.payloads import payloads
from tests.security.walk import Walker, open_to_strangers

#: These decide what a request is, so that a payload in one hides what payloads in others would do.
DECIDING_HEADERS = ("Content-Type", "Cookie", "Host", "Origin", "Sec-Fetch-Site", "X-HTTP-Method-Override")
#: Every so many payloads, where all of them would take too long.
SAMPLE = 29


def test_the_walk_knows_every_field_and_every_place(walker: Walker) -> None:
    names = {place.rule.endpoint: found for place, found in walker.names.items()}
    assert names["public.signup_submit"] >= {"email", "suggested", "asked_about", "token", "subject", "embedded"}
    assert names["public.archive"] == {"before"}
    assert names["admin.readers"] >= {"q", "status", "before"}
    assert names["admin.texts_submit"] >= {"subject", "preheader", "introduction"}
    assert {place.texts for place in walker.places} >= {(), ("token",), ("public_id",), ("secret",), ("name",)}
    assert len(open_to_strangers(walker)) > 20


def test_the_walk_gets_beyond_the_first_check_of_every_page(walker: Walker) -> None:
    """A link that is none is refused before anything else is looked at: payloads beside it would be in vain."""
    refused = {place.rule.endpoint for place, status in walker.welcomes.items() if status in {400, 403, 404, 410, 429}}
    assert {each for each in refused if each.startswith("public.")} == set()
    names = {place.rule.endpoint: found for place, found in walker.names.items()}
    assert names["public.counting_submit"] >= {"counting", "token"}
    assert names["public.pause_submit"] >= {"span", "until"}
    assert names["public.choices_submit"] >= {"followed", "follow_more", "cadence", "timezone", "everything"}
    assert names["public.data_address_submit"] >= {"email", "suggested"}


def test_no_limit_answers_in_place_of_a_page(walker: Walker) -> None:
    places = [place for place in open_to_strangers(walker) if place.rule.endpoint == "public.signup_submit"]
    for number in range(99):
        for place in places:
            assert walker.ask(place, fields={"email": f"r{number}@reader.example"}).status_code == 303, place


@ON_POSTGRESQL
def test_a_sample_of_payloads_does_nothing(walker: Walker) -> None:
    """On SQLite all of them are tried: `test_public_in_full`."""
    found = payloads()
    judge = Judge(walker, open_to_strangers(walker))
    judge.attack(found, every=SAMPLE)
    assert not judge.found


@ON_SQLITE
def test_no_payload_in_a_header_that_decides_does_anything(walker: Walker) -> None:
    found, sent = [], payloads()
    for start, place in enumerate(open_to_strangers(walker)):
        for turn, payload in enumerate(sent[start::SAMPLE]):
            header = DECIDING_HEADERS[turn % len(DECIDING_HEADERS)]
            answer = walker.ask(place, headers={header: payload})
            found += [f"{place} {header}: {payload!r}: {problem}" for problem in problems(answer)]
    assert not found


def test_no_payload_leads_a_signed_in_admin_elsewhere(walker: Walker) -> None:
    [sign_in] = [place for place in walker.places if place.rule.endpoint == "admin.sign_in"]
    found = []
    for payload in payloads("open-redirect", "crlf"):
        answer = walker.ask(sign_in, fields={"next": payload})
        assert answer.status_code == 302
        found += [f"{payload!r}: {problem}" for problem in problems(answer)]
    assert not found
