-- Remove a schedule, but none of its jobs.
-- KEYS: prefix. ARGV: name, only if it was put before this instant ('' for any).
-- Reply: 1, or 0 if there was none. O(log schedules).
-- needs: schedules

local p, name, before = KEYS[1], ARGV[1], tonumber(ARGV[2])
if before and tonumber(read_schedule(p, name).p or before) >= before then return 0 end
return drop_schedule(p, name)
