"""Handlers in processes of their own: `@job(isolate=True)`.

Three kinds of process. The worker keeps lease, heartbeats, cancellation and settlement, and a
thread of its pool waits for each isolated attempt. It starts one *template*: a fresh process with
one thread, which imports what the handlers need and then only forks. Each attempt is a *child* of
the template: it has the application already, runs the handler with its middleware, sends home how
that ended, and is gone. See docs/decisions/009-isolation.md.
"""

from jobkit.worker.isolation.isolation import Isolation

__all__ = ["Isolation"]
