-- Touch what `publish` writes to, so that a key of another kind stops it before the first write;
-- for several queues, or if something is written before.
local function check_kinds(p)
  redis.call('HLEN', p .. 'bodies')
  redis.call('ZCARD', p .. 'heads')
  redis.call('ZCARD', p .. 'scheduled')
end
