-- The answer to a copy of a claim: what it took and the worker still holds; a part of claim.lua,
-- whose names it uses.
-- needs: jobs

local function same_again(earlier)
  local ids, bodies, started = {}, {}, 0
  for id in string.gmatch(earlier, '%S+') do
    local state = read_state(p, id)
    if state.k and token_worker(state.k) == worker and redis.call('ZSCORE', p .. 'running', id) then
      ids[#ids + 1] = id
      if state.s then started = started + 1 end
    end
  end
  local jobs = read_jobs(p, ids)
  for i, job in ipairs(jobs) do bodies[i] = job[2] end
  local reply = answer(started, {}, -1, ids, bodies)
  for i, job in ipairs(jobs) do
    local at = #reply
    reply[at + 1], reply[at + 2], reply[at + 3] = i, job[3], job[4]
  end
  return reply
end
