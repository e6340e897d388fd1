-- Makes a replica a member, or goes on being one.  KEYS: members.  ARGV: replica, ms (0: leaves).
-- Returns 1 when it was known already, else 0.
if tonumber(ARGV[2]) == 0 then
  return redis.call('HDEL', KEYS[1], ARGV[1])
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[1], 'born', now)
local added = redis.call('HSET', KEYS[1], ARGV[1], now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], 3600000)
return 1 - added
