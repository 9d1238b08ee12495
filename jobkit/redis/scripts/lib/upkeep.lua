-- What a claim does before it looks for jobs: promote what is due, reclaim what is lost.
-- needs: typed losing

local PROMOTED = 1000

local function promote(p, now, dues)
  local due = {}
  for key, first in pairs(dues) do
    if first <= now then
      local found = redis.call(
        'ZRANGEBYSCORE', p .. key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, PROMOTED)
      for i = 1, #found, 2 do
        due[#due + 1] = { key = key, member = found[i], due = tonumber(found[i + 1]) }
      end
    end
  end
  table.sort(due, function(a, b) return is_before(a.due, a.member, b.due, b.member) end)
  local ready, gone = {}, { scheduled = {}, retrying = {} }
  local of_type = { scheduled = {}, retrying = {} }
  for i = 1, math.min(PROMOTED, #due) do
    local job = due[i]
    local id = string.sub(job.member, 11)
    local state = read_state(p, id)
    local type, priority, _, arrival = rank(redis.call('HGET', p .. 'bodies', id), state)
    table.insert(gone[job.key], job.member)
    of_type[job.key][type] = (of_type[job.key][type] or 0) + 1
    collect_ready(ready, lane_name(type, state.l), lane_place(p, priority, job.due, arrival, id))
  end
  flush_ready(p, ready) -- first: what fails between the two leaves no job in no set
  for key, members in pairs(gone) do
    call_in_chunks('ZREM', p .. key, members)
    cut_typed(p, key, of_type[key])
  end
end

-- Return the ids of those that have ended by it.
local function reclaim(p, now, lost)
  local ready, ended, counts, loose = {}, {}, {}, no_ties()
  for _, id in ipairs(lost) do
    if lose(p, id, now, ready, loose, counts) then ended[#ended + 1] = id end
  end
  write_counts(p, now, counts)
  flush_loose(p, loose, now)
  flush_ready(p, ready)
  return ended
end
