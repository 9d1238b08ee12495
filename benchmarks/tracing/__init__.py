"""The trace check: what real workers did under load is replayed on the memory store.

The double is the production engine over the memory store. That store is compared with the Redis
one step by step elsewhere; what is left to prove is the worker: its threads and their order. So
real worker processes run here against a Redis behind a recorder (`recorder`, `link`), while
others cancel, pause and delete jobs, while requests and replies get lost, and while workers are
killed (`load`). Every operation is written down with its instant and its answer. Afterwards the
memory store is given the same operations at the same instants and must answer the same, and have
the same records at the end (`replay`); and what the workers did is held against what workers
must never do (`checks`).
"""
