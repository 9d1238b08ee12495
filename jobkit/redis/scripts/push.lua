-- Store jobs, all or none, unless this is the copy of an earlier push.
-- KEYS: the prefix of each queue. ARGV: now, channel, request, number of jobs, then 8 for each.
-- Reply: 1 stored, 0 recognised. O(jobs x log ready).
-- needs: time lanes hints jobs publish

local REPLAY_WINDOW = 60000
local REPLAY_SECONDS = 600 -- rubbish collection only

local clock = time(ARGV[1])
local key, request = KEYS[1] .. 'push:' .. ARGV[2], tonumber(ARGV[3])
local earlier = redis.call('GET', key)
if earlier then
  local number, at = string.match(earlier, '^(%d+) (%d+)$')
  if request <= tonumber(number) and clock - tonumber(at) <= REPLAY_WINDOW then return 0 end
end

for _, p in ipairs(KEYS) do check_kinds(p) end
-- Refused at `maxmemory`, before anything is written.
redis.call('SET', key, ARGV[3] .. ' ' .. int(clock), 'EX', REPLAY_SECONDS)
publish(clock, 5, tonumber(ARGV[4]))
return 1
