-- Ended jobs that run again.
-- needs: jobs

-- What stays of the state of a job that begins anew; the caller writes it, with a due time.
local function forget_runs(p, id, state)
  redis.call('HDEL', p .. 'attempts', id)
  redis.call('HDEL', p .. 'results', id)
  return { n = state.n or (state.s and '1'), R = state.R, p = state.p, Q = state.Q, T = state.T }
end
