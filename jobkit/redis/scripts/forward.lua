-- Drop the children that have arrived in other queues, and read what is still to be forwarded.
-- KEYS: prefix. ARGV: for each queue that something is known of: its name, and the greatest
-- number that has arrived there, or '-' to leave its children for another time.
-- Reply: for each queue that has children waiting: its name, then "number due-time child" for
-- each of the first ones, and not much over BYTES in all. O(children dropped and read).

local ENTRIES = 500
local BYTES = 1048576
local CHUNK = 10

local p = KEYS[1]
local reply, skipped, entries, bytes = {}, {}, 0, 0

local function number_of(entry)
  return tonumber(string.match(entry, '^%d+'))
end

for i = 1, #ARGV, 2 do
  local box = p .. 'outbox:' .. ARGV[i]
  if ARGV[i + 1] == '-' then
    skipped[ARGV[i]] = true
  else
    local mark = tonumber(ARGV[i + 1])
    local first = redis.call('LINDEX', box, 0)
    while first and number_of(first) <= mark do
      redis.call('LPOP', box)
      first = redis.call('LINDEX', box, 0)
    end
    if not first then redis.call('SREM', p .. 'outboxes', ARGV[i]) end
  end
end

local function read(queue)
  local found, at = { queue }, 0
  while entries < ENTRIES and bytes < BYTES do
    local chunk = redis.call('LRANGE', p .. 'outbox:' .. queue, at, at + CHUNK - 1)
    for _, entry in ipairs(chunk) do
      found[#found + 1] = entry
      entries, bytes = entries + 1, bytes + #entry
    end
    if #chunk < CHUNK then break end
    at = at + CHUNK
  end
  if #found > 1 then reply[#reply + 1] = found end
end

for _, queue in ipairs(redis.call('SMEMBERS', p .. 'outboxes')) do
  if not skipped[queue] then read(queue) end
end
return reply
