"""A Django shop that charges cards in the background.

An order's job is enqueued when the order is committed. A process that dies between the two leaves
an order without its job; a schedule finds such orders, and a unique key keeps the two from meeting.
`orders.py` is the domain code and knows an `Enqueuer` alone; `backend.py` puts production together:

    DJANGO_SETTINGS_MODULE=examples.django_shop.settings jobkit worker examples.django_shop.backend
"""
