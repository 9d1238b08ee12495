-- Remove a job from every index, whatever its state.
-- KEYS: prefix. ARGV: id. Reply: 1, or 0 if there was none. O(log jobs).
-- needs: jobs ties hints

local p, id = KEYS[1], ARGV[1]
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return 0 end
local where, key, member, line, type = locate(p, id, body)
take_out(p, id, where, key, member, line, type)
local loose, state = no_ties(), read_state(p, id)
untie_for_good(loose, id, state, 'deleted')
drop(p, { id })
flush_loose(p, loose, 0) -- no schedule ends by this
if where == 'running' and claim_is_limited(state.v) then
  hint_freed(p, token_worker(state.k), place_group(line), false)
end
return 1
