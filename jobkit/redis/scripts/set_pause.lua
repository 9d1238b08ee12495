-- Pause or resume a queue, or a type in it.
-- KEYS: prefix. ARGV: "*" or "=type", 1 to pause or 0 to resume. Reply: 1 if that changed
-- anything. O(paused types), to resume O(lanes) as well.
-- needs: pauses

local p, word, pause = KEYS[1], ARGV[1], ARGV[2] == '1'
local words = pauses_of(p) or {}
if (words[word] or false) == pause then return 0 end
words[word] = pause or nil
redis.call('ZREM', p .. 'workers', '') -- needs no memory, and lets the next write pass when full
write_pauses(p, words)
if not pause then hint_ready(p) end
return 1
