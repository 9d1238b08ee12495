-- Tell a queue which types are paused over all queues; an older list changes nothing.
-- KEYS: prefix. ARGV: version of the list, then its types. Reply: 1, or 0 if nothing was new.
-- O(paused types), to resume O(lanes) as well.
-- needs: time pauses

local p, version = KEYS[1], tonumber(ARGV[1])
if version <= tonumber(redis.call('HGET', p .. 'control', 'spread') or 0) then return 0 end
local before, words, resumed = pauses_of(p) or {}, {}, false
for i = 2, #ARGV do words['~' .. ARGV[i]] = true end
for word in pairs(before) do
  if string.sub(word, 1, 1) ~= '~' then
    words[word] = true
  elseif not words[word] then
    resumed = true
  end
end
redis.call('ZREM', p .. 'workers', '') -- needs no memory, and lets the next write pass when full
-- The list first: what dies here is told again, as long as the version is not noted.
write_pauses(p, words)
redis.call('HSET', p .. 'control', 'spread', int(version))
if resumed then hint_ready(p) end
return 1
