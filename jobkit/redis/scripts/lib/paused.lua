-- Pauses: words in one line of `control`, there while something is paused: "*" for the queue,
-- "=type" for a type in it, "~type" for a type over all queues. A type goes by the name of its
-- lane and by that of its group.

local paused = {} -- by prefix, once it was read

local function parse_pauses(text)
  if not text then return false end
  local words = {}
  for word in string.gmatch(text, '%S+') do words[word] = true end
  return words
end

local function pauses_of(p)
  if paused[p] == nil then
    paused[p] = parse_pauses(redis.call('HGET', p .. 'control', 'paused'))
  end
  return paused[p]
end

local function is_paused(p, type, group)
  local words = pauses_of(p)
  if not words then return false end
  return words['*'] or words['=' .. group] or words['~' .. group]
    or words['=' .. type] or words['~' .. type] or false
end
