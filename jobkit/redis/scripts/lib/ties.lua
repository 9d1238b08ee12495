-- Ties: what a job holds beside its place, and lets go of when its span or its life ends.
--
-- A unique key. The hash `unique` has "owner expiry" by key, and a line of the owner's state
-- names the key back:
--   q "letters ttl key" while the job holds it; Q the same once it has let go of it.
-- Letters: s or d, held until the first start or until it is done; then what becomes of a job
-- that comes meanwhile: k keep the holder as it is, r replace its content, f refuse the newcomer.
-- ttl and expiry in milliseconds, '-' for none. Each entry names a live job that holds it, so
-- the hash is never longer than the jobs are many; an expired one is taken over by a newcomer,
-- and then the end of its old owner leaves it alone.
--
-- A schedule. A line of a tick's job names it (see schedules.lua):
--   S until the job ends for the first time, T from then on
-- needs: time chunks schedules

local function key_of(line)
  return string.match(line, '^%a%a %S+ (.*)$')
end

local function is_held_until_started(line)
  return string.sub(line, 1, 1) == 's'
end

-- Counted from when the job is due, if that is to come.
local function expiry_of(line, due, now)
  local ttl = string.match(line, '^%a%a (%S+)')
  return ttl == '-' and ttl or int(math.max(due, now) + tonumber(ttl))
end

-- Read the owner off an entry; nil if there is none whose time is not over.
local function owner_of(entry, now)
  if not entry then return nil end
  local id, expiry = string.match(entry, '^(%S+) (%S+)$')
  if expiry ~= '-' and tonumber(expiry) <= now then return nil end
  return id
end

-- Whether a state's text, of a job with a lease, has ties.
local function has_ties(text)
  return string.find(text, '\nq', 1, true) or string.find(text, '\nS', 1, true)
end

local function no_ties()
  return { ids = {}, keys = {}, ticks = {} }
end

-- Take its unique key off a state; `loose` collects for `flush_loose`.
local function untie(loose, id, state)
  if not state.q then return end
  loose.ids[#loose.ids + 1] = id
  loose.keys[#loose.keys + 1] = key_of(state.q)
  state.Q, state.q = state.q, nil
end

-- Take all its ties off a state. Every path by which a job ends (its state is `outcome`) or goes
-- ('deleted') comes through here.
local function untie_for_good(loose, id, state, outcome)
  untie(loose, id, state)
  if not state.S then return end
  loose.ticks[#loose.ticks + 1] = { state.S, id, outcome }
  state.T, state.S = state.S, nil
end

-- Free what was collected, as far as it is still its owner's, and tell schedules of their ticks.
local function flush_loose(p, loose, now)
  for _, tick in ipairs(loose.ticks) do tick_ended(p, tick[1], tick[2], tick[3], now) end
  local keys, mine = loose.keys, {}
  if #keys == 0 then return end
  local entries = read_in_chunks(p .. 'unique', keys)
  for i, entry in ipairs(entries) do
    if entry and string.match(entry, '^%S+') == loose.ids[i] then mine[#mine + 1] = keys[i] end
  end
  call_in_chunks('HDEL', p .. 'unique', mine)
end

-- The other job that holds the key which this one, having ended, would take again; nil if none.
local function key_taken_from(p, state, now)
  return state.Q and owner_of(redis.call('HGET', p .. 'unique', key_of(state.Q)), now)
end

-- Take the key of a job that begins anew; `key_taken_from` has said that it is free.
local function tie_again(p, id, state, due, now)
  if not state.Q then return end
  state.q, state.Q = state.Q, nil
  redis.call('HSET', p .. 'unique', key_of(state.q), id .. ' ' .. expiry_of(state.q, due, now))
end

-- Hold a key for longer or shorter, now that the job is due at another time; a key whose time
-- is over is let go of.
local function tie_until(p, id, state, due, now)
  if not state.q then return end
  local key = key_of(state.q)
  if owner_of(redis.call('HGET', p .. 'unique', key), now) == id then
    redis.call('HSET', p .. 'unique', key, id .. ' ' .. expiry_of(state.q, due, now))
  else
    local loose = no_ties()
    untie(loose, id, state)
    flush_loose(p, loose, now)
  end
end
