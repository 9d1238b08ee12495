"""Bugs of schedules in Redis."""

from __future__ import annotations

from benchmarks.mutants.mutant import Mutant

SCRIPTS = "jobkit/redis/scripts/"
FIRE = SCRIPTS + "fire.lua"
SCHEDULES = SCRIPTS + "lib/schedules.lua"
PUT = SCRIPTS + "put_schedule.lua"
DECLARE = SCRIPTS + "declare.lua"
TICKS = SCRIPTS + "ticks.lua"

MUTANTS = (
    Mutant(
        "redis: a tick is fired twice",
        "B16",
        FIRE,
        "if state.t ~= expected then return 'passed' end",
        "if not state.t then return 'passed' end",
        "ticks",
    ),
    Mutant(
        "redis: a clock that was set back brings the same tick again",
        "B16",
        FIRE,
        "if redis.call('HEXISTS', p .. 'bodies', id) == 1 then",
        "if false then",
        "ticks",
    ),
    Mutant(
        "redis: a tick is fired early",
        "B16",
        FIRE,
        "if tonumber(expected) > now then return 'early' end",
        "",
        "ticks",
    ),
    Mutant(
        "redis: failures count towards the limit of a schedule",
        "B18",
        SCHEDULES,
        "== 1 and outcome == 'succeeded' then",
        "== 1 then",
        "ticks",
    ),
    Mutant(
        "redis: the limit of a schedule forgets unfinished ticks",
        "B18",
        FIRE,
        "tonumber(state.s or 0) + unfinished >= tonumber(state.m)",
        "tonumber(state.s or 0) >= tonumber(state.m)",
        "ticks",
    ),
    Mutant(
        "redis: overlap='skip' is ignored",
        "B18",
        FIRE,
        "return not (state.x and is_unfinished())",
        "return true",
        "ticks",
    ),
    Mutant(
        "redis: one missed tick too many in a minute",
        "B18",
        FIRE,
        "if count >= CAUGHT_UP_PER_MINUTE then",
        "if count > CAUGHT_UP_PER_MINUTE then",
        "ticks",
    ),
    Mutant(
        "redis: a schedule does not know how its last run ended",
        "B20",
        SCHEDULES,
        "if state.j == id then state.o = outcome end",
        "",
        "ticks scheduling",
    ),
    Mutant(
        "redis: a changed payload begins the grid anew",
        "B19",
        PUT,
        "if known_grid ~= grid then\n",
        "if known ~= text and first then\n",
        "scheduling",
    ),
    Mutant(
        "redis: nobody is woken for an earlier tick",
        "B13",
        PUT,
        "~= earliest then hint_anybody(p) end",
        "~= earliest then end",
        "scheduling waking ticks",
    ),
    Mutant(
        "redis: a schedule that nobody declares is removed after a minute",
        "B19",
        DECLARE,
        "local UNDECLARED_REMOVED = 600000",
        "local UNDECLARED_REMOVED = 60000",
        "scheduling",
    ),
    Mutant(
        "redis: a schedule is removed although nobody was there to declare it",
        "B19",
        DECLARE,
        "if now - last > OWNER_SILENT then since = now end",
        "",
        "scheduling",
    ),
    Mutant(
        "redis: an ended schedule is listed for a day",
        "B18",
        SCHEDULES,
        "local ENDED_LISTED = 2592000000",
        "local ENDED_LISTED = 86400000",
        "scheduling ticks",
    ),
    Mutant(
        "redis: a tick that is due now is not read",
        "B16",
        TICKS,
        "if look > now then",
        "if look >= now then",
        "ticks",
    ),
    Mutant(
        "redis: ticks are read by those who do not know the rule",
        "B16",
        TICKS,
        "if not skip[name] and (not state.r or rules[state.r]) then",
        "if not skip[name] then",
        "ticks scheduling",
    ),
    Mutant(
        "redis: a schedule of the same instant is removed with the older ones",
        "B19",
        SCRIPTS + "remove_schedule.lua",
        "or before) >= before then",
        "or before) > before then",
        "scheduling",
    ),
    Mutant(
        "redis: a claim does not know the next tick",
        "B16",
        SCRIPTS + "claim.lua",
        "return next_tick and due .. ' ' .. int(next_tick) or due",
        "return due",
        "ticks",
    ),
)
