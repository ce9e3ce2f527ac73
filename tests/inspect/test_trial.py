"""What a trial on unseen programs found missing, or wrongly shown: each by its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inspect.shown_kit import shown

_CLIENT = """
    import httpx
    from headrace import entrypoint

    class Gateway:
        def __init__(self, url):
            self.client = httpx.Client(base_url=url)

        @entrypoint("f")
        def pay(self):
            self.client.post({url})
"""
_ROUTES = """
    from fastapi import APIRouter
    from headrace import step

    router = APIRouter(prefix="/v1")

    @router.post("/payments")
    @step("f", after="pay")
    def payments(): ...
"""


@pytest.mark.parametrize(
    ("client", "url", "kind"),
    [
        ("app/gateway.py", '"/v1/payments"', None),
        ("shop/gateway.py", '"/v1/payments"', "http"),
        ("shop/gateway.py", '"/api/v1/payments"', None),
        ("shop/gateway.py", '"/payments"', None),
        ("shop/gateway.py", '"https://pay.example/v1/payments"', None),
        ("app/gateway.py", '"http://localhost:80/v1/payments?a=1"', "http"),
        ("app/gateway.py", 'f"http://{host}/v1/payments"', "http"),
        ("shop/gateway.py", 'f"/v1/{what}"', None),
    ],
)
def test_a_request_reaches_a_route_by_its_whole_path(
    tmp_path: Path, client: str, url: str, kind: str | None
) -> None:
    """The host is plainly ours, or the route another package's; the end of a path is no proof."""
    files = {client: _CLIENT.replace("{url}", url), "app/routes.py": _ROUTES}
    packages = {f"{name}/__init__.py": "" for name in ("app", "shop")}
    assert shown(tmp_path, files | packages) == ({} if kind is None else {"pay -> payments": kind})
