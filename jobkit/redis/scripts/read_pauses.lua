-- Read what is paused in a queue.
-- KEYS: prefix. Reply: words in one line, "*", "=type", "~type" (see lib/lanes.lua).
-- O(paused types).

return redis.call('HGET', KEYS[1] .. 'control', 'paused') or ''
