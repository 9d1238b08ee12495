-- Jobs that are claimed and have a state already; a part of claim.lua, whose names it uses.
-- needs: ties

-- Let `texts` keep what stays of states for the next run, neither what the last run left behind nor
-- a key that is held until the first start. Return for each such job its number, what stays, and
-- its attempts.
local function run_again(before, texts)
  local again, loose, ids, ran = {}, no_ties(), {}, {}
  for i, id in ipairs(chosen) do
    if before[i] then
      local state = parse_state(before[i])
      -- One that was started once, or more than once, has left attempts.
      if state.s or state.n then ids[#ids + 1], ran[i] = id, #ids + 1 end
      if state.q and is_held_until_started(state.q) then untie(loose, id, state) end
      if i <= slots then
        note_start(state, now)
      elseif state.s then
        state.n = state.n or 1
      end
      for name in string.gmatch('kKwvseutg', '.') do state[name] = nil end
      local rest = state_text(state)
      if rest ~= '' then
        texts[2 * i] = texts[2 * i] .. '\n' .. rest
        local at = #again
        again[at + 1], again[at + 2], again[at + 3] = i, rest, ''
      end
    end
  end
  local attempts = read_in_chunks(p .. 'attempts', ids)
  for at = 1, #again, 3 do again[at + 2] = attempts[ran[again[at]]] or '' end
  return again, loose
end
