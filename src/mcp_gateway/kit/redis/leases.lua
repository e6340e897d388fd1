-- Places for calls under way. KEYS[i]: a sorted set, holder -> microsecond at which its lease lapses.
-- ARGV[1]: acquire, renew or count; ARGV[2]: the holder; then per key the limit and the lease in microseconds.
-- acquire: 0 and the counts with this holder, or the microseconds until a place lapses at the latest and the counts as they are.
-- renew: 1, or 0 when any lease had lapsed. count: the counts.
local call = redis.call
local stamp = call('TIME')
local now = stamp[1] * 1000000 + stamp[2]
local what, holder = ARGV[1], ARGV[2]

local function lease(i)
  local length = tonumber(ARGV[2 + 2 * i])
  call('ZADD', KEYS[i], string.format('%.0f', now + length), holder)
  local milliseconds = math.ceil(length / 1000) + 1
  if call('PTTL', KEYS[i]) < milliseconds then call('PEXPIRE', KEYS[i], milliseconds) end
end

if what == 'renew' then
  for i = 1, #KEYS do
    local lapses = call('ZSCORE', KEYS[i], holder)
    if not lapses or tonumber(lapses) <= now then return {0} end
  end
  for i = 1, #KEYS do lease(i) end
  return {1}
end

local counts, wait = {}, 0
for i = 1, #KEYS do
  call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now))
  counts[i] = call('ZCARD', KEYS[i])
  if what == 'acquire' and counts[i] >= tonumber(ARGV[1 + 2 * i]) then
    local first = call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
    wait = math.max(wait, 1, tonumber(first[2]) - now)
  end
end
if what == 'count' then return counts end
if wait > 0 then return {wait, unpack(counts)} end
for i = 1, #KEYS do
  lease(i)
  counts[i] = counts[i] + 1
end
return {0, unpack(counts)}
