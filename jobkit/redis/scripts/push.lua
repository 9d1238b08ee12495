-- Store jobs, all or none, unless this is the copy of an earlier push.
-- KEYS: the prefix of each queue. ARGV: now, channel, request, number of jobs, then 8 for each,
-- then for each queue that the sender orders: its place in KEYS, its order.
-- Reply: 1 stored, 0 recognised. If some found their unique key held: "place id" for each of
-- those (place in the batch from 0, id of the holder), in one line; or with "!" in front that of
-- the first one that is to be refused, and nothing is stored; or "?" and the place in KEYS of a
-- queue whose jobs have another order, and nothing is stored. O(jobs x log ready).
-- needs: publish

local REPLAY_WINDOW = 60000
local REPLAY_SECONDS = 600 -- rubbish collection only

local clock = time(ARGV[1])
local key, request = KEYS[1] .. 'push:' .. ARGV[2], tonumber(ARGV[3])
local earlier = redis.call('GET', key)
if earlier then
  local number, at, answer = string.match(earlier, '^(%d+) (%d+) ?(.*)$')
  if request <= tonumber(number) and clock - tonumber(at) <= REPLAY_WINDOW then
    return request == tonumber(number) and answer ~= '' and answer or 0
  end
end

local number = tonumber(ARGV[4])
local first_order = 5 + number * FIELDS
if #KEYS > 1 or first_order <= #ARGV then
  -- needs: kinds
  for _, p in ipairs(KEYS) do check_kinds(p) end
end
if first_order <= #ARGV then
  -- needs: order
  for i = first_order, #ARGV, 2 do
    if not may_have_order(KEYS[tonumber(ARGV[i])], ARGV[i + 1]) then return '?' .. ARGV[i] end
  end
end
local plan, noted = plan_keys(clock, 5, number), ARGV[3] .. ' ' .. int(clock)
local answer = ''
if plan then
  answer = plan.refused and '!' .. plan.refused or table.concat(plan.answer, ' ')
  if answer ~= '' then noted = noted .. ' ' .. answer end
end
if not (plan and plan.refused) then
  if first_order <= #ARGV then
    -- needs: order
    for i = first_order, #ARGV, 2 do set_order(KEYS[tonumber(ARGV[i])], ARGV[i + 1]) end
  end
  publish(clock, 5, number, plan)
end
redis.call('SET', key, noted, 'EX', REPLAY_SECONDS)
return answer ~= '' and answer or 1
