-- Makes a replica a member, or goes on being one; forgets those whose time is over.  KEYS: members.  ARGV: replica, ms (0: leaves).
-- Returns 1 when it was known already, else 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local members = redis.call('HGETALL', KEYS[1])
local known, born = 0, false
for index = 1, #members, 2 do
  if members[index] == 'born' then
    born = true
  elseif members[index] == ARGV[1] then
    known = 1
  elseif tonumber(members[index + 1]) <= now then
    redis.call('HDEL', KEYS[1], members[index])
  end
end
if tonumber(ARGV[2]) == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return known
end
redis.call('HSET', KEYS[1], ARGV[1], now + ARGV[2])
if not born then
  redis.call('HSET', KEYS[1], 'born', now)
end
redis.call('PEXPIRE', KEYS[1], 3600000)
return known
