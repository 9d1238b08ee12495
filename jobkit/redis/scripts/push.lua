-- Store jobs, all or none, unless this is the copy of an earlier push.
-- KEYS: the prefix of each queue. ARGV: now, channel, request, number of queues that the sender
-- orders, for each of those its place in KEYS and its order; then the jobs (see publish.lua).
-- Reply: 1 stored, 0 recognised. If some found their unique key held: "place id" for each of
-- those (place in the batch from 0, id of the holder), in one line; or with "!" in front that of
-- the first one that is to be refused, and nothing is stored; or "?" and the place in KEYS of a
-- queue whose jobs have another order, and nothing is stored. O(jobs x log ready).
-- needs: time

local REPLAY_WINDOW = 60000
local REPLAY_SECONDS = 600 -- rubbish collection only
local ONE_JOB = 13 -- arguments, if that is all

local clock = time(ARGV[1])
local key, request = KEYS[1] .. 'push:' .. ARGV[2], tonumber(ARGV[3])
local earlier = redis.call('GET', key)
if earlier then
  local number = tonumber(string.match(earlier, '^%d+'))
  if request <= number then
    local at, answer = string.match(earlier, '^%d+ (%d+) ?(.*)$')
    if clock - tonumber(at) <= REPLAY_WINDOW then
      return request == number and answer ~= '' and answer or 0
    end
  end
end

local clock_text, answer = int(clock), ''
local noted = ARGV[3] .. ' ' .. clock_text
if #ARGV == ONE_JOB and ARGV[9] == '' and ARGV[10] == '' then
  -- needs: single
else
  -- needs: several
end
redis.call('SET', key, noted, 'EX', REPLAY_SECONDS)
return answer ~= '' and answer or 1
