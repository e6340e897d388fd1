-- Replace the stored rules when their revision is the expected one, and tell everybody.
-- KEYS[1]: a hash of text and revision. ARGV: expected revision, text, channel. Answers {1, new revision} or {0, the one there}.
local revision = tonumber(redis.call('HGET', KEYS[1], 'revision') or 0)
if revision ~= tonumber(ARGV[1]) then return {0, revision} end
revision = revision + 1
redis.call('HSET', KEYS[1], 'text', ARGV[2], 'revision', revision)
redis.call('PUBLISH', ARGV[3], revision)
return {1, revision}
