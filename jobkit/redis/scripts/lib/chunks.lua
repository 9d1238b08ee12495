-- Calls with any number of arguments.

local CHUNK = 1000 -- arguments to one call

local function call_in_chunks(command, key, args)
  if args[1] and not args[CHUNK + 1] then return redis.call(command, key, unpack(args)) end
  for i = 1, #args, CHUNK do
    redis.call(command, key, unpack(args, i, math.min(i + CHUNK - 1, #args)))
  end
end

local function read_in_chunks(key, names)
  if names[1] and not names[CHUNK + 1] then return redis.call('HMGET', key, unpack(names)) end
  local values = {}
  for i = 1, #names, CHUNK do
    local last = math.min(i + CHUNK - 1, #names)
    for at, value in ipairs(redis.call('HMGET', key, unpack(names, i, last))) do
      values[i + at - 1] = value
    end
  end
  return values
end
