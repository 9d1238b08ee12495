-- Where jobs run: `active` has "place id" for each of them, all with one score, so that ranges of
-- names can be counted. A place is "group/" or, of a job that is stored under another name of its
-- type, "group/type".

local function place_type(place)
  return string.match(place, '/(.+)$') or string.sub(place, 1, -2)
end

local function place_group(place)
  return string.match(place, '^[^/]*')
end

local function stop_running(p, id, place)
  redis.call('ZREM', p .. 'running', id)
  redis.call('ZREM', p .. 'active', place .. ' ' .. id)
end

-- The first and the last of what can stand in `active` for a place.
local function range_of(place)
  return '[' .. place .. ' ', '(' .. place .. '!'
end

-- All places at which jobs run.
local function places_in_use(p)
  local places, from = {}, '-'
  while true do
    local found = redis.call('ZRANGEBYLEX', p .. 'active', from, '+', 'LIMIT', 0, 1)
    if #found == 0 then return places end
    local place = string.match(found[1], '^%S+')
    places[#places + 1] = place
    from = '[' .. place .. '!'
  end
end
