"""No page of the desk asks the database more than twelve times, however much it shows."""

from flask import Flask
from flask.testing import FlaskClient

from app.clock import now
from app.delivery.models import DeliveryState
from app.editions.warm_up import plan_warm_up
from app.product import Product
from tests import make
from tests.statements import statements
from tests.web import desk

#: Statements of one page.
MOST = 12
#: Rows of everything that a page lists: a page that asks for each row is found out.
ROWS = 8


def test_no_page_asks_more_than_twelve_times(admin: FlaskClient, app: Flask, product: Product) -> None:
    too_many = {}
    for route in pages(app, admin, product):
        with statements(product.database) as asked:
            answer = admin.get(route.path)
        assert answer.status_code < 500, route
        if len(asked) > MOST:
            too_many[route.path] = (len(asked), asked)
    assert {path: number for path, (number, _) in too_many.items()} == {}, too_many


def pages(app: Flask, admin: FlaskClient, product: Product) -> list[desk.Route]:
    """Every address of the desk that is read, once with a draft and once with an edition on its way."""
    draft = desk.make_draft(product, tag="a", articles=ROWS, readers=ROWS)
    desk.make_schedule(product)
    started = desk.make_draft(product, tag="b", articles=ROWS, readers=ROWS, language="en")
    seen = admin.get(f"/admin/editions/{started}/send").text.partition('name="seen" value="')[2][:64]
    admin.post(f"/admin/editions/{started}/send", data={"seen": seen, "confirmed": "yes"})
    with product.database.transaction() as session:
        plan_warm_up(session, newsletter_id=1, starts_on=now().date(), now=now())
        for number in range(ROWS):
            source = make.make_source(session, location=f"https://wire.example/{number}.xml")
            source.failure, source.fetched_at = "503", now()
        make.settle_copies(session, DeliveryState.UNCERTAIN, 2, now=now())
        make.settle_copies(session, DeliveryState.REJECTED, 2, now=now())
        subscription = make.make_subscription(session, email="walked@reader.example")
        make.make_request(session, subscription)
        public_id = subscription.subscriber.public_id
    routes = {
        route.path: route
        for edition_id in (draft, started)
        for route in desk.routes(app, edition_id=edition_id, public_id=public_id)
        if route.method == "GET"
    }
    return list(routes.values())
