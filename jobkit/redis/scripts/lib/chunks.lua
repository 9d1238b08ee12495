-- Calls with any number of arguments.

local CHUNK = 1000 -- arguments to one call

local function call_in_chunks(command, key, args)
  for i = 1, #args, CHUNK do
    redis.call(command, key, unpack(args, i, math.min(i + CHUNK - 1, #args)))
  end
end

local function read_in_chunks(key, names)
  local values = {}
  for i = 1, #names, CHUNK do
    local last = math.min(i + CHUNK - 1, #names)
    for at, value in ipairs(redis.call('HMGET', key, unpack(names, i, last))) do
      values[i + at - 1] = value
    end
  end
  return values
end
