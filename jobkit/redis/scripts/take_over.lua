-- Take back what a dead worker held, as its expired leases would be, and forget the worker.
-- KEYS: prefix. ARGV: now, worker, four bounds.
-- Reply: now, number of leases taken back, ended ids, 1 if there may be more.
-- O(running + taken back x log ready).
-- needs: losing crew hints

local TAKEN_OVER = 1000

local p, worker = KEYS[1], ARGV[2]
local now = instant(p, time(ARGV[1]))

-- The leases of this worker, up to one more than are taken back at once.
local function its_leases()
  local found, offset = {}, 0
  while true do
    local ids = redis.call('ZRANGE', p .. 'running', offset, offset + CHUNK - 1)
    for i, text in pairs(read_in_chunks(p .. 'states', ids)) do
      local token = text and state_value(text, 'k')
      if token and token_worker(token) == worker then found[#found + 1] = ids[i] end
      if #found > TAKEN_OVER then return found end
    end
    if #ids < CHUNK then return found end
    offset = offset + CHUNK
  end
end

local leases = its_leases()
local taken, ready, ended, types = math.min(#leases, TAKEN_OVER), {}, {}, {}
local loose, counts = no_ties(), {}
for i = 1, taken do
  if lose(p, leases[i], now, ready, loose, counts) then ended[#ended + 1] = leases[i] end
end
for name, batch in pairs(ready) do
  if not batch.set then types[lane_type(name)] = true end
end
write_counts(p, now, counts)
flush_loose(p, loose, now)
flush_ready(p, ready)
if #leases <= TAKEN_OVER then forget(p, worker) end
for type in pairs(types) do hint(p, type) end
trim(p, now, { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }, #ended)
return { int(now), taken, ended, #leases > TAKEN_OVER and 1 or 0 }
