-- One shared circuit: the state machine of kit/breaker/machine.py, by the server's clock. Every operation is one call.
-- KEYS: the circuit (hash), its probes on their way (sorted set by due time)
-- ARGV: operation, channel, the asker's epoch, then the policy, then the operation's own argument
local circuit, probes_key = KEYS[1], KEYS[2]
local operation, channel, known = ARGV[1], ARGV[2], tonumber(ARGV[3])
local by_count, size, buckets, minimum = ARGV[4] == 'count', tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local failure_rate, slow_rate = tonumber(ARGV[8]), tonumber(ARGV[9])
local open_ms, growth, max_open_ms = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local probes, probe_ms, ramp_ms, keep_ms = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15]), tonumber(ARGV[16])
local argument = ARGV[17]

local time = redis.call('TIME')
local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(now_us / 1000)
local function whole(number) return string.format('%.0f', number) end

local read = redis.call('HMGET', circuit, 'state', 'mode', 'epoch', 'until', 'ramp', 'openings', 'cause', 'calls', 'failed', 'slow',
  'admitted', 'settled', 'settled_failed', 'settled_slow')
local exists = read[1] and true or false
local c = {
  state = read[1] or 'closed', mode = read[2] or 'automatic', epoch = tonumber(read[3] or 0), till = tonumber(read[4] or 0),
  ramp = tonumber(read[5] or 0), openings = tonumber(read[6] or 0), cause = read[7] or '',
  calls = tonumber(read[8] or 0), failed = tonumber(read[9] or 0), slow = tonumber(read[10] or 0),
  admitted = tonumber(read[11] or 0), settled = tonumber(read[12] or 0),
  settled_failed = tonumber(read[13] or 0), settled_slow = tonumber(read[14] or 0),
}

local function shown()
  local wait = c.state == 'open' and math.max(0, c.till - now) or 0
  local ramp = c.state == 'closed' and math.max(0, c.ramp - now) or 0
  return { c.state, c.mode, whole(c.epoch), whole(wait), whole(ramp), whole(c.openings), whole(c.calls), whole(c.failed), whole(c.slow), c.cause }
end

local function reply(admitted, as_probe)
  local parts = shown()
  parts[#parts + 1] = admitted and '1' or '0'
  parts[#parts + 1] = as_probe and '1' or '0'
  return parts
end

local changed = false
local function save()
  redis.call('HSET', circuit, 'state', c.state, 'mode', c.mode, 'epoch', whole(c.epoch), 'until', whole(c.till), 'ramp', whole(c.ramp),
    'openings', whole(c.openings), 'cause', c.cause, 'calls', whole(c.calls), 'failed', whole(c.failed), 'slow', whole(c.slow),
    'admitted', whole(c.admitted), 'settled', whole(c.settled), 'settled_failed', whole(c.settled_failed), 'settled_slow', whole(c.settled_slow))
  if c.mode == 'automatic' then
    redis.call('PEXPIRE', circuit, keep_ms)
  else
    redis.call('PERSIST', circuit) -- a forced mode ends only when it is taken away
  end
  if changed then redis.call('PUBLISH', channel, table.concat(shown(), '\n')) end
end

local function clear_window()
  local fields = redis.call('HKEYS', circuit)
  for _, field in ipairs(fields) do
    if string.sub(field, 1, 2) == 'w:' then redis.call('HDEL', circuit, field) end
  end
end

local function enter(state, cause, calls, failed, slow)
  c.state, c.cause, c.calls, c.failed, c.slow = state, cause, calls, failed, slow
  c.epoch = math.max(c.epoch + 1, now_us)
  c.admitted, c.settled, c.settled_failed, c.settled_slow = 0, 0, 0, 0
  redis.call('DEL', probes_key)
  clear_window()
  if state == 'closed' then
    c.openings = 0
    c.ramp = cause == 'probes_succeeded' and now + ramp_ms or 0
  end
  changed = true
end

local function open(cause, calls, failed, slow)
  c.openings = c.openings + 1
  c.till = now + math.min(max_open_ms, open_ms * growth ^ math.min(c.openings - 1, 64))
  enter('open', cause, calls, failed, slow)
end

local function judge_round(cause)
  if c.settled_failed >= failure_rate * probes then
    open(cause, c.settled, c.settled_failed, c.settled_slow)
  elseif c.settled_slow >= slow_rate * probes then
    open('probes_slow', c.settled, c.settled_failed, c.settled_slow)
  elseif c.settled == probes then
    enter('closed', 'probes_succeeded', c.settled, c.settled_failed, c.settled_slow)
  end
end

local function count(code)
  c.settled = c.settled + 1
  c.settled_failed = c.settled_failed + code % 2
  c.settled_slow = c.settled_slow + math.floor(code / 2)
end

local function expire_probes()
  if c.state ~= 'half_open' then return end
  for _, lost in ipairs(redis.call('ZRANGEBYSCORE', probes_key, '-inf', now)) do
    if redis.call('ZREM', probes_key, lost) == 1 then -- an earlier one of them may have ended the round
      count(3)
      judge_round('probes_lost')
    end
  end
end

local function judged(calls, failed, slow)
  if calls < minimum then return false end
  if failed >= failure_rate * calls then open('failure_rate', calls, failed, slow) return true end
  if slow >= slow_rate * calls then open('slow_call_rate', calls, failed, slow) return true end
  return false
end

-- Outcomes are the digits 0 to 3, oldest first; each is judged as it comes, so the order of a batch counts.
local function record_by_count(outcomes)
  local window = redis.call('HGET', circuit, 'w:ring') or ''
  local all, first, calls, failed, slow = window .. outcomes, 1, #window, 0, 0
  for index = 1, #window do
    local code = string.byte(window, index) - 48
    failed, slow = failed + code % 2, slow + math.floor(code / 2)
  end
  for index = #window + 1, #all do
    local code = string.byte(all, index) - 48
    if calls == size then
      local old = string.byte(all, first) - 48
      failed, slow, first = failed - old % 2, slow - math.floor(old / 2), first + 1
    else
      calls = calls + 1
    end
    failed, slow = failed + code % 2, slow + math.floor(code / 2)
    if judged(calls, failed, slow) then return end
  end
  redis.call('HSET', circuit, 'w:ring', string.sub(all, first))
end

local function record_by_time(outcomes)
  local number = math.floor(now / (size / buckets))
  local calls, failed, slow, own = 0, 0, 0, { 0, 0, 0 }
  for offset = 0, buckets - 1 do
    local at = number - offset
    local kept = redis.call('HGET', circuit, 'w:' .. (at % buckets))
    local of, a, b, d = string.match(kept or '', '^(%d+):(%d+):(%d+):(%d+)$')
    if tonumber(of or -1) == at then
      calls, failed, slow = calls + a, failed + b, slow + d
      if offset == 0 then own = { tonumber(a), tonumber(b), tonumber(d) } end
    end
  end
  for index = 1, #outcomes do
    local code = string.byte(outcomes, index) - 48
    local bad, late = code % 2, math.floor(code / 2)
    calls, failed, slow = calls + 1, failed + bad, slow + late
    own = { own[1] + 1, own[2] + bad, own[3] + late }
    if judged(calls, failed, slow) then return end
  end
  redis.call('HSET', circuit, 'w:' .. (number % buckets), table.concat({ whole(number), whole(own[1]), whole(own[2]), whole(own[3]) }, ':'))
end

if operation == 'read' or (operation == 'settle' and not exists) then return reply(false, false) end

if not exists then
  c.epoch = math.max(known + 1, now_us)
  if operation == 'ask' and known > 0 then c.state = 'open' end -- the asker knows of an opening that the store has lost
elseif known > c.epoch then
  c.epoch = known + 1 -- the store went back to an older copy of itself
  known = -1
end

if operation == 'report' then
  local counted = known == 0 or known == c.epoch
  if counted and c.state == 'closed' and c.mode == 'automatic' and #argument > 0 then
    if by_count then record_by_count(argument) else record_by_time(argument) end
  end
  save()
  return reply(false, false)
end

if operation == 'force' then
  c.mode = string.match(argument, '^[^\n]*')
  enter('closed', string.sub(argument, #c.mode + 2), 0, 0, 0)
  save()
  return reply(false, false)
end

if operation == 'settle' then
  expire_probes()
  local name, code = string.match(argument, '^(.*)\n(.-)$')
  if redis.call('ZREM', probes_key, name) == 1 then
    if code == '' then
      c.admitted = c.admitted - 1
    else
      count(tonumber(code))
      judge_round('probes_failed')
    end
  end
  save()
  return reply(false, false)
end

-- ask
if c.mode ~= 'automatic' then return reply(c.mode ~= 'forced_open', false) end
expire_probes()
if c.state == 'closed' then
  save()
  return reply(true, false) -- the asker lets through its share while the circuit ramps up
end
if c.state == 'open' then
  if now < c.till then
    save()
    return reply(false, false)
  end
  enter('half_open', 'open_time_over', 0, 0, 0)
end
local admitted = c.admitted < probes
if admitted then
  c.admitted = c.admitted + 1
  redis.call('ZADD', probes_key, now + probe_ms, argument)
  redis.call('PEXPIRE', probes_key, keep_ms)
end
save()
return reply(admitted, admitted)
