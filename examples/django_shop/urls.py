"""Which URL is served by what, in production."""

from __future__ import annotations

from django.urls import path

from examples.django_shop.backend import jobs
from examples.django_shop.views import Orders

urlpatterns = [path("orders", Orders.as_view(jobs=jobs))]
