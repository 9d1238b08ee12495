-- Write down that queues are used, and read which types are paused over all queues.
-- KEYS: the set of all queues' names, the hash of what is paused everywhere (in the same slot).
-- ARGV: the queues. Reply: version, types. O(queues named + paused types).
-- needs: everywhere

for _, name in ipairs(ARGV) do
  -- A read comes first: a full Redis refuses to add even what is there.
  if redis.call('SISMEMBER', KEYS[1], name) == 0 then redis.call('SADD', KEYS[1], name) end
end
local version, types = paused_everywhere(KEYS[2])
return { version, types, {} }
