-- Reads a value, and takes the lease to fill it when it is missing or will soon be old.
-- KEYS: value, lease.  ARGV: prefix of tag keys, token ('' only reads), claim below ms, lease ms, tags kept ms, replica, tags...
-- Returns payload or false, fresh ms, kept ms, "tag version tag version ...", then 0; or 1, versions...; or 2, ms the lease is held.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'p', 'f', 'g')
local payload, fresh, kept, tagged = found[1], 0, 0, found[3] or ''
if payload then
  for tag, version in string.gmatch(tagged, '(%S+) (%S+)') do
    if redis.call('GET', ARGV[1] .. tag) ~= version then
      redis.call('UNLINK', KEYS[1])
      payload = false
      break
    end
  end
end
if payload then
  fresh = found[2] - now
  kept = redis.call('PTTL', KEYS[1])
end
if ARGV[2] == '' or (payload and fresh > tonumber(ARGV[3])) then
  return {payload, fresh, kept, tagged, 0}
end
local held = redis.call('PTTL', KEYS[2])
if held > 0 then
  redis.call('HSET', KEYS[2], ARGV[6], '')
  return {payload, fresh, kept, tagged, 2, held}
end
redis.call('HSET', KEYS[2], 't', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
local answer = {payload, fresh, kept, tagged, 1}
for index = 7, #ARGV do
  local key = ARGV[1] .. ARGV[index]
  local version = redis.call('GET', key)
  if not version then
    version = ARGV[2]
    redis.call('SET', key, version, 'PX', ARGV[5])
  elseif redis.call('PTTL', key) < tonumber(ARGV[5]) then
    redis.call('PEXPIRE', key, ARGV[5])
  end
  answer[#answer + 1] = version
end
return answer
