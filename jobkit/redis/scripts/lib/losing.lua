-- Lost leases: what becomes of a job whose worker is gone.
-- needs: jobs ties counting names

-- Settle one lost lease; true if the job has ended by it. `ready` collects for
-- `flush_ready`, `loose` for `flush_loose`, `counts` for `write_counts`.
local function lose(p, id, now, ready, loose, counts)
  local state = read_state(p, id)
  local losses = tonumber(state.l or 0)
  local on_lost_dead, keep_dead = claim_flags(state.v)
  local place = claim_place(state.v)
  stop_running(p, id, place)
  if state.s then
    losses = losses + 1
    note(p, id, state, now, LOST)
    tally(counts, place_group(place), 'l', 1)
  end
  state.w, state.k, state.l = state.k, nil, int(losses)
  local ended
  if state.c then
    ended = 'cancelled'
  elseif losses >= MAX_LOSSES or (losses > 0 and on_lost_dead) then
    tally(counts, place_group(place), 'd', 1)
    if not keep_dead then
      untie_for_good(loose, id, state, 'dead')
      drop(p, { id })
      return true
    end
    ended = 'dead'
  end
  if ended then
    untie_for_good(loose, id, state, ended)
    state.e = int(now)
    add_ended(p, ready, ended, id, place_type(place), now, state.R)
  else
    local type, priority, due, arrival = rank(redis.call('HGET', p .. 'bodies', id), state)
    collect_ready(ready, lane_name(type, true), lane_place(p, priority, due, arrival, id))
  end
  write_state(p, id, state)
  return ended ~= nil
end
