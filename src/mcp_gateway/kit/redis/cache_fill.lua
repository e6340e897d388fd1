-- Stores a value under a live lease if its tags are unchanged, ends the lease, and tells who waits. Kept 0 ms: only ends the lease.
-- KEYS: value, lease.  ARGV: prefix of tag keys, token, payload, fresh ms, kept ms, prefix of channels, message, tag, version, ...
-- Returns 1, or 0 when the lease had ended or a tag had changed: then nothing was stored.
if redis.call('HGET', KEYS[2], 't') ~= ARGV[2] then
  return 0
end
local unchanged, tagged = 1, {}
for index = 8, #ARGV, 2 do
  if redis.call('GET', ARGV[1] .. ARGV[index]) ~= ARGV[index + 1] then
    unchanged = 0
  end
  tagged[#tagged + 1] = ARGV[index] .. ' ' .. ARGV[index + 1]
end
if unchanged == 1 and tonumber(ARGV[5]) > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[1], 'p', ARGV[3], 'f', now + ARGV[4], 'g', table.concat(tagged, ' '))
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
local waiting = redis.call('HKEYS', KEYS[2])
redis.call('UNLINK', KEYS[2])
for _, replica in ipairs(waiting) do
  if replica ~= 't' then
    redis.call('PUBLISH', ARGV[6] .. replica, ARGV[7])
  end
end
return unchanged
