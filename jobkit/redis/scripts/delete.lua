-- Remove a job from every index, whatever its state.
-- KEYS: prefix. ARGV: id. Reply: 1, or 0 if there was none. O(log jobs).
-- needs: time lanes hints jobs schedules ties

local p, id = KEYS[1], ARGV[1]
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return 0 end
take_out(p, id, locate(p, id, body))
local loose = no_ties()
untie_for_good(loose, id, read_state(p, id), 'deleted')
drop(p, { id })
flush_loose(p, loose, 0) -- no schedule ends by this
return 1
