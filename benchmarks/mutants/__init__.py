"""The proof has teeth: plant bugs one at a time, and see which test catches each: `make mutants`.

A test suite that passes proves little until it has failed. Here some two hundred bugs of a few
words each, as people make them, are planted one after the other in a copy of the sources: in the
Redis scripts and their commands, in the memory store, in the engine and the worker. Each copy then
goes through the layers that could notice:

- `conformance`: the suite of the store port, on the store that has the bug;
- `differential`: the mutated store and the other one do the same random steps;
- `tests`: the tests that a bug above the stores names, since stores cannot show it.

What nobody notices is a test that is missing.
"""
