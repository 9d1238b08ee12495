-- Every end of an attempt but the plain success; a part of settle.lua, whose names it uses.
-- needs: jobs ties hints

local COUNTED = { failed = 'x', timed_out = 'o' }
local LETTERS = { failed = 'f', dead = 'f', timed_out = 't', cancelled = 'c', discarded = 'c' }

local ready, kept, hinted, loose = {}, {}, {}, no_ties()

local function answer(i, verdict, state, due)
  answers[i] = due and verdict .. ' ' .. state .. ' ' .. due or state and verdict .. ' ' .. state
    or verdict
end

local function succeed(i, id, duration, state)
  local kind = kind_of[i]
  if not state.s then note_start(state, now - duration) end
  untie_for_good(loose, id, state, 'succeeded')
  state.K, state.k = state.k, nil
  state.e, state.u = now_text, duration
  write_state(p, id, state)
  count_attempt(kind, duration)
  if words[i] then redis.call('HSET', p .. 'results', id, '=' .. words[i]) end
  if state.R then
    local expiry = now + tonumber(state.R)
    kept[#kept + 1], kept[#kept + 2] = expiry, id .. kind.type
    collect_typed(ready, 'succeeded:kept', kind.type, expiry, id)
  else
    redis.call('ZADD', p .. 'succeeded', now_text, id .. kind.type)
    kind.succeeded = kind.succeeded + 1
  end
end

-- `waits_as` nil: the job was due when it was claimed and is ready again, also if the clock has
-- been set back since.
local function wait_again(i, id, waits_as, state)
  local type, priority, due, arrival = rank(redis.call('HGET', p .. 'bodies', id), state)
  local by = waits_as and now or due
  write_state(p, id, state)
  if put_back(p, ready, waits_as, by, id, type, priority, due, arrival, state.l) then
    hinted[type] = true
  end
  answer(i, 'ok', due <= by and 'queued' or waits_as, int(due))
end

local function end_in(i, id, where, state)
  untie_for_good(loose, id, state, where)
  state.e = now_text
  write_state(p, id, state)
  add_ended(p, ready, where, id, kind_of[i].type, now, state.R)
  answer(i, 'ok', where)
end

-- Count an attempt by the letter of its outcome; one that snoozed has none.
local function tally_otherwise(i, move, duration, letter)
  local group = kind_of[i].group
  if letter then
    count_attempt(kind_of[i], duration)
    tally(counts, group, letter, 1)
    if move == 'retry' then tally(counts, group, 'r', 1) end
  end
  if move == 'bury' then tally(counts, group, 'd', 1) end
end

-- Every end but success.
local function end_otherwise(i, id, move, duration, state)
  local due, delay, keep = string.match(rests[i] or '', '^ ?(%S*) ?(%S*) ?(%S*)$')
  state.K, state.k = state.k, nil
  if move ~= 'release' then
    state.u = duration
    if not state.s then note_start(state, now - duration) end
  end
  if state.c then
    if state.s then
      note(p, id, state, now, CANCELLED)
      count_attempt(
        kind_of[i], move == 'release' and int(math.max(0, now - state.s)) or duration)
      tally(counts, kind_of[i].group, 'c', 1)
    end
    return end_in(i, id, 'cancelled', state)
  end
  if move == 'release' then return wait_again(i, id, nil, state) end
  local failure = words[i]
  note(p, id, state, now, failure)
  local outcome = string.match(failure, '^"outcome":"([^"]*)"')
  tally_otherwise(i, move, duration, LETTERS[outcome])
  local counter = COUNTED[outcome]
  if counter then state[counter] = int((state[counter] or 0) + 1) end
  if counter == 'o' and not state.t then state.t = now_text end -- it ended before it was marked
  if move == 'retry' or move == 'snooze' then
    state.d = due ~= '-' and due or int(now + delay)
    return wait_again(i, id, move == 'retry' and 'retrying' or 'scheduled', state)
  end
  if move == 'bury' and keep ~= '1' then
    untie_for_good(loose, id, state, 'dead')
    drop(p, { id })
    return answer(i, 'ok')
  end
  end_in(i, id, move == 'bury' and 'dead' or 'cancelled', state)
end

local function end_attempt(i)
  local id, state = ids[i], parse_state(texts[i])
  if moves[i] or state.c then
    end_otherwise(i, id, moves[i] or 'succeed', durations[i], state)
  else
    succeed(i, id, durations[i], state)
  end
end

local function flush_ends()
  call_in_chunks('ZADD', p .. 'succeeded:kept', kept)
  flush_loose(p, loose, now)
  flush_ready(p, ready)
  for type in pairs(hinted) do hint(p, type) end
end
