-- What gets ready, and what leaves its lane: a lane and its head in the index change together.
-- needs: chunks lanes

-- Note which job of a batch comes first.
local function note_first(batch, score, member)
  if not batch.member or is_before(score, member, batch.score, batch.member) then
    batch.score, batch.member = score, member
  end
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
  note_first(batch, score, member)
end

-- Look whether a lane gets another head by what was collected for it.
local function find_head(p, lane, batch)
  local head = redis.call('ZRANGE', p .. 'lane:' .. lane, 0, 0, 'WITHSCORES')
  local member, score = head[1], tonumber(head[2])
  batch.before = member
  batch.moves = not member or is_before(batch.score, batch.member, score, member)
  return batch.moves
end

local function write_lane(p, lane, batch)
  call_in_chunks('ZADD', p .. 'lane:' .. lane, batch)
  if not batch.moves then return end
  if batch.before then redis.call('ZREM', p .. 'heads', batch.before .. lane) end
  redis.call('ZADD', p .. 'heads', batch.score, batch.member .. lane)
end
