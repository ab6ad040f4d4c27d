"""What is fetched because a report asks for it, is fetched like anything else that a stranger names."""

import pytest

from app.errors import FetchRefused
from app.feedback.hooks import fetch_small


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "ftp://a.example/"]
)
def test_nothing_inward_is_fetched(url: str) -> None:
    with pytest.raises(FetchRefused):
        fetch_small(url)
