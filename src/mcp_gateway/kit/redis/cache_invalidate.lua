-- Ends values, leases and tag versions, tells every replica, and says who must have heard.
-- KEYS: members, then all keys that end.  ARGV: channel, message.
-- Returns ms since the list of members was made, then for each member its name and the ms its membership still lasts.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for first = 2, #KEYS, 1000 do
  redis.call('UNLINK', unpack(KEYS, first, math.min(first + 999, #KEYS)))
end
if redis.call('HSETNX', KEYS[1], 'born', now) == 1 then
  redis.call('PEXPIRE', KEYS[1], 3600000)
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
local members, answer = redis.call('HGETALL', KEYS[1]), {0}
for index = 1, #members, 2 do
  if members[index] == 'born' then
    answer[1] = now - members[index + 1]
  elseif tonumber(members[index + 1]) > now then
    answer[#answer + 1] = members[index]
    answer[#answer + 1] = members[index + 1] - now
  else
    redis.call('HDEL', KEYS[1], members[index])
  end
end
return answer
