-- Replace the stored rules when their revision is the expected one, and tell everybody.
-- KEYS[1]: a hash of text and revision, and of the text that was there before. ARGV: expected revision, text, channel.
-- Answers {1, new revision} or {0, the one there}.
-- Revisions are milliseconds of the server's clock, so that none comes twice, not even after a restart from an old snapshot.
local revision = tonumber(redis.call('HGET', KEYS[1], 'revision') or 0)
if revision ~= tonumber(ARGV[1]) then return {0, revision} end
local time = redis.call('TIME')
revision = math.max(revision + 1, time[1] * 1000 + math.floor(time[2] / 1000))
local shown = string.format('%.0f', revision)
local former = redis.call('HGET', KEYS[1], 'text') or ''
redis.call('HSET', KEYS[1], 'text', ARGV[2], 'revision', shown, 'former', former)
redis.call('PUBLISH', ARGV[3], shown)
return {1, revision}
