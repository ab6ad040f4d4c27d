"""What bench/desk.py measures are the pages that editors see, over rows as the product makes them."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.delivery.models import Delivery, DeliveryState
from app.editions.records import EditionCount
from bench import pages
from bench.newsroom import opened, settings
from tests.conftest import new_postgresql_database

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]

READERS, DELIVERIES = 600, 1_200


def test_every_page_answers_over_the_readers_and_deliveries_asked_for(
    postgresql_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MEASURED", 1)
    url = new_postgresql_database(postgresql_server)
    pages.fill(url, tmp_path, READERS, DELIVERIES)
    with opened(settings(tmp_path, url)) as product, product.database.reading() as session:
        sent = sa.select(sa.func.count()).where(Delivery.state == DeliveryState.ACCEPTED)
        assert DELIVERIES * 0.9 < (session.scalar(sent) or 0) < DELIVERIES
        counts = session.scalars(sa.select(EditionCount).order_by(EditionCount.edition_id))
        assert [(each.copies, each.open) for each in counts] == [*[(300, 0)] * 4, (300, 300)]
    measured = pages.measure(url, tmp_path)
    # The bench's articles come from feeds, and the sheet is for those written by hand.
    sheet = "/admin/articles/<article_id>/text"
    assert {page.route for page in measured if page.status not in {200, 302, 303}} == {sheet}
    assert sum(page.status == 200 for page in measured) > 20
    assert [page.status for page in measured if page.route == "/admin/editions/<draft>/send"] == [200]
    assert {"/admin/", "/admin/editions", "/admin/readers", "/admin/jobs", "/admin/editions/<sent>"} <= {
        page.route for page in measured
    }
    figures = {
        "machine": {"cores": 2, "cpu": "x", "memory_gb": 1, "python": "3", "sqlite": "3", "postfix": "3"},
        "readers": READERS, "deliveries": DELIVERIES, "counting_s": 1, "pages": [vars(page) for page in measured],
    }  # fmt: skip
    assert "| `/admin/` | 200 |" in pages.as_markdown(figures)
