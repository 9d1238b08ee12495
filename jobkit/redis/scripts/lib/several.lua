-- Any jobs, for any queues; a part of push.lua, whose names it uses.
-- needs: publish

local first = 5 + 2 * ARGV[4]
if #KEYS > 1 or first > 5 then
  -- needs: kinds
  for _, p in ipairs(KEYS) do check_kinds(p) end
end
if first > 5 then
  -- needs: order
  for i = 5, first - 1, 2 do
    if not may_have_order(KEYS[tonumber(ARGV[i])], ARGV[i + 1]) then return '?' .. ARGV[i] end
  end
end
local batch = read_batch(clock, first, #ARGV + 1)
local plan = plan_keys(batch)
if plan then
  answer = plan.refused and '!' .. plan.refused or table.concat(plan.answer, ' ')
  if answer ~= '' then noted = noted .. ' ' .. answer end
end
if not (plan and plan.refused) then
  if first > 5 then
    -- needs: order
    for i = 5, first - 1, 2 do set_order(KEYS[tonumber(ARGV[i])], ARGV[i + 1]) end
  end
  publish(batch, plan)
end
