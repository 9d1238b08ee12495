"""The web side."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBadRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views import View

from examples.django_shop.orders import place_order
from jobkit import Enqueuer, NoopJobs


class Orders(View):
    """Takes orders; `jobs` is given in the URLs."""

    jobs: Enqueuer = NoopJobs()

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Place an order and answer at once."""
        sku, cents = request.POST.get("sku", ""), request.POST.get("cents", "")
        if not (sku and cents.isdecimal()):
            return HttpResponseBadRequest("give sku and cents")
        order = place_order(self.jobs, sku=sku, cents=int(cents), now=timezone.now())
        return JsonResponse({"order": order}, status=202)
