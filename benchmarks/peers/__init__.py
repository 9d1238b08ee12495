"""jobkit beside other systems, on the same work and the same machine: `make peers`.

Each system has a script of its own in `scripts/`, behind the interface in `scripts/side.py`, with
its best documented settings; it runs in an environment of its own with pinned versions. What a
reader should check for fairness is there, and in `systems.py`.
"""
