-- Read one job.
-- KEYS: prefix. ARGV: now, id. Reply: now, state ('' if unknown), {id, body, state, attempts,
-- result}. O(log jobs).
-- needs: jobs

local p, id = KEYS[1], ARGV[2]
local now = int(instant(p, time(ARGV[1])))
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return { now, '', {} } end
local where = locate(p, id, body)
return { now, where, read_jobs(p, { id })[1] }
