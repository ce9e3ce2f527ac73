"""The site of the contract, for ASGI: what would block the event loop is asynchronous here.

Django collects a synchronous stream in a list before it sends it over ASGI, so that one without an
end would never begin.
"""

from __future__ import annotations

from tests import sites
from tests.django import site

urlpatterns = site.routes({"slow": site.slow_async, "endless": site.stream(sites.async_endless)})
