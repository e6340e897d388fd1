-- One keyed request: KEYS[1] is a hash that lives as long as its lease, and once answered as long as the answer is kept.
-- ARGV: operation, token, milliseconds, then fingerprint (begin) or state and answer (finish)
local operation, token, milliseconds = ARGV[1], ARGV[2], ARGV[3]
local kept = redis.call('HMGET', KEYS[1], 'fingerprint', 'token', 'state')
local fingerprint, holder, state = kept[1], kept[2], kept[3]

if operation == 'begin' then
  if not state then
    redis.call('HSET', KEYS[1], 'fingerprint', ARGV[4], 'token', token, 'state', 'running')
    redis.call('PEXPIRE', KEYS[1], milliseconds)
    return { 'started', '', 0 }
  end
  if fingerprint ~= ARGV[4] then return { 'mismatch', '', 0 } end
  if state == 'done' then return { 'done', redis.call('HGET', KEYS[1], 'answer'), 0 } end
  if state == 'running' and holder == token then state = 'started' end
  return { state, '', redis.call('PTTL', KEYS[1]) }
end

if state ~= 'running' or holder ~= token then return 0 end

if operation == 'renew' then
  redis.call('PEXPIRE', KEYS[1], milliseconds)
elseif operation == 'finish' then
  redis.call('HSET', KEYS[1], 'state', ARGV[4], 'answer', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], milliseconds)
else
  redis.call('DEL', KEYS[1])
end
return 1
