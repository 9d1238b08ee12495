-- What gets ready, and what leaves its lane: a lane and its head in the index change together.
-- needs: chunks lanes

local function head_of(p, lane)
  local head = redis.call('ZRANGE', p .. 'lane:' .. lane, 0, 0, 'WITHSCORES')
  if #head == 0 then return nil, nil end
  return tonumber(head[2]), head[1]
end

local function move_head(p, lane, old_member, score, member)
  if old_member == member then return end
  if old_member then redis.call('ZREM', p .. 'heads', old_member .. lane) end
  if member then redis.call('ZADD', p .. 'heads', score, member .. lane) end
end

-- Collect jobs that get ready, to be written by `flush_ready` once for each lane.
local function collect_ready(ready, lane, score, member)
  local batch = ready[lane]
  if not batch then
    batch = { score, member }
    ready[lane] = batch
  else
    batch[#batch + 1] = score
    batch[#batch + 1] = member
  end
  if not batch.member or is_before(score, member, batch.score, batch.member) then
    batch.score, batch.member = score, member
  end
end

-- Look whether a lane gets another head by what was collected for it.
local function find_head(p, lane, batch)
  local score, member = head_of(p, lane)
  batch.before = member
  batch.moves = not member or is_before(batch.score, batch.member, score, member)
  return batch.moves
end

local function write_lane(p, lane, batch)
  call_in_chunks('ZADD', p .. 'lane:' .. lane, batch)
  if batch.moves then move_head(p, lane, batch.before, batch.score, batch.member) end
end

local function remove_ready(p, lane, member)
  local _, old = head_of(p, lane)
  redis.call('ZREM', p .. 'lane:' .. lane, member)
  if old == member then
    local score, new = head_of(p, lane)
    move_head(p, lane, old, score, new)
  end
end
