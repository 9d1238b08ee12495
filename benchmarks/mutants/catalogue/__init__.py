"""All bugs that are planted, by where they are."""

from __future__ import annotations

from benchmarks.mutants.catalogue import (
    above,
    clients,
    hooks,
    memory_claims,
    memory_keys,
    memory_moves,
    redis_claims,
    redis_control,
    redis_keys,
    redis_leases,
    redis_schedules,
    redis_settling,
    standing,
)
from benchmarks.mutants.mutant import Mutant

CATALOGUE: tuple[Mutant, ...] = (
    *redis_claims.MUTANTS,
    *redis_leases.MUTANTS,
    *redis_settling.MUTANTS,
    *redis_keys.MUTANTS,
    *redis_control.MUTANTS,
    *redis_schedules.MUTANTS,
    *memory_claims.MUTANTS,
    *memory_moves.MUTANTS,
    *memory_keys.MUTANTS,
    *above.MUTANTS,
    *clients.MUTANTS,
    *standing.MUTANTS,
    *hooks.MUTANTS,
)
