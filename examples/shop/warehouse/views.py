"""The warehouse over HTTP."""

from __future__ import annotations

import json

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_http_methods

from warehouse import flows


@require_http_methods(["PUT", "DELETE"])
def reservation(request: HttpRequest, number: str) -> JsonResponse:
    """``PUT`` reserves and says what is in the way, if anything; ``DELETE`` releases."""
    if request.method == "DELETE":
        flows.release(number)
        return JsonResponse({})
    wanted = json.loads(request.body)
    return JsonResponse({"problem": flows.reserve(number, wanted["article"], wanted["quantity"])})
