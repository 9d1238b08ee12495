"""Charging: a card is charged for an order, once, whatever happens to the worker that does it.

`bank.py` is where the money is; `handlers.py` has two handlers, one that charges twice on a bad
night and one that does not. The tests show how each of them is found out.
"""
