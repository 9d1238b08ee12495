-- New jobs whose time is to come; a part of publish.lua.
-- needs: typed

-- `wanted` gets the types of which a job is now due before all others.
local function write_waiting(queue)
  local p, index, wanted = queue.p, {}, {}
  local member, score = queue.first[1], tonumber(queue.first[2])
  for _, kind in ipairs(queue.begun) do
    local its_first = kind.set[kind.first]
    if kind.due > queue.now
      and (not member or is_before(kind.due, its_first, score, member)) then
      score, member, wanted[kind.type] = kind.due, its_first, true
    end
  end
  for type, set in pairs(queue.waiting) do
    call_in_chunks('ZADD', p .. 'scheduled', set)
    set.set, set.type, index[typed_name('scheduled', type)] = 'scheduled', type, set
  end
  flush_ready(p, index)
  queue.wanted = wanted
end
