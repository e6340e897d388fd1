-- One decision over all rules of a call: charge every rule or none.
-- KEYS[i]: the state of rule i. ARGV[1]: the cost, 0 only looks. ARGV[2]: 17 bytes per rule, '>BI4I8I4':
--   algorithm (0 gcra, 1 window, 2 exact; 8 more when the rule is in shadow), limit,
--   step in microseconds (gcra: between two units; window: a bucket; exact: the window itself), burst or number of slots.
-- Answers in microseconds: how long the call must wait (0: admitted), then per rule what remains, when all is back, its own wait.
-- The same arithmetic as kit/limits/cells.py. Time is the server's; a clock set back makes a rule stricter, never laxer.
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpacked, call = struct.pack, struct.unpack, redis.call
local stamp = call('TIME')
local now = stamp[1] * 1000000 + stamp[2]
local cost, spec = tonumber(ARGV[1]), ARGV[2]

-- gcra: the time at which the next unit is due if they flow evenly, as a decimal number.
local function gcra(held, _, step, burst)
  local tolerance = step * burst
  local due = min(max(tonumber(held or 0), now), now + tolerance)
  local spare = now + tolerance - due
  local wait = max(0, cost * step - spare)
  if wait > 0 or cost == 0 then return max(0, floor(spare / step)), due - now, wait end
  due = due + cost * step
  return floor((now + tolerance - due) / step), due - now, 0, string.format('%.0f', due), due
end

-- window: newest bucket's number (6 bytes), the sum, then a count per slot, newest first, each in as few bytes as the limit needs.
local function window(held, limit, step, slots)
  local bucket = floor(now / step)
  local width = limit < 256 and 1 or limit < 65536 and 2 or limit < 16777216 and 3 or 4
  local last, total, counts, counted = bucket, 0, '', 0
  if held then
    counted = (#held - 6) / (slots + 1)
    last, total = unpacked('>I6I' .. counted, held)
    last = min(last, bucket)
    if bucket - last < slots then counts = held:sub(7 + counted) end
  end
  local reset = total > 0 and (last + slots) * step - now or 0
  local aged = bucket - last
  if counts == '' or reset <= 0 then
    total, reset, aged, counts, counted = 0, max(0, reset), 0, ('\0'):rep(slots * width), width
  elseif aged > 0 then
    local form, kept = '>I' .. counted, (slots - aged) * counted
    for at = kept + 1, #counts, counted do total = total - unpacked(form, counts, at) end
    counts = ('\0'):rep(aged * counted) .. counts:sub(1, kept)
  end
  local excess = total + cost - limit
  if excess > 0 or cost == 0 then
    local wait = excess > 0 and max(reset, 1) or 0
    local form = '>I' .. counted
    for slot = slots - 1, 0, -1 do
      if excess <= 0 then break end
      excess = excess - unpacked(form, counts, slot * counted + 1)
      wait = (bucket - slot + slots) * step - now
    end
    return max(0, limit - total), reset, wait
  end
  if counted < width then
    local wider, from, to = {}, '>I' .. counted, '>I' .. width
    for at = 1, #counts, counted do wider[#wider + 1] = pack(to, (unpacked(from, counts, at))) end
    counts, counted = table.concat(wider), width
  end
  local form, ends = '>I' .. counted, (bucket + slots) * step
  local newest = unpacked(form, counts) + cost
  total = total + cost
  return limit - total, ends - now, 0, pack('>I6I' .. counted .. 'I' .. counted, bucket, total, newest) .. counts:sub(counted + 1), ends
end

-- exact: the millisecond (6 bytes) of every unit admitted in the window, oldest first.
local function exact(held, limit, step)
  held = held or ''
  local window_ms, now_ms, count = ceil(step / 1000), floor(now / 1000), #held / 6
  if count > 0 and unpacked('>I6', held, #held - 5) > now_ms then
    local mended = {}
    for at = 1, #held, 6 do mended[#mended + 1] = pack('>I6', min(now_ms, (unpacked('>I6', held, at)))) end
    held = table.concat(mended)
  end
  local low, high = 0, count
  while low < high do
    local middle = floor((low + high) / 2)
    if unpacked('>I6', held, middle * 6 + 1) < now_ms - window_ms then low = middle + 1 else high = middle end
  end
  local live = count - low
  local function leaves(index) return (unpacked('>I6', held, (index - 1) * 6 + 1) + window_ms + 1) * 1000 - now end
  local over = live + cost - limit
  if over > 0 or cost == 0 then
    local wait = over > 0 and (live > 0 and leaves(low + min(over, live)) or 1000) or 0
    return max(0, limit - live), live > 0 and leaves(count) or 0, wait
  end
  local ends = (now_ms + window_ms + 1) * 1000
  return limit - live - cost, ends - now, 0, held:sub(low * 6 + 1) .. pack('>I6', now_ms):rep(cost), ends
end

local judges = {[0] = gcra, window, exact}
local held = call('MGET', unpack(KEYS))
local answer, states, ends, wait, at = {0}, {}, {}, 0, 1
for i = 1, #KEYS do
  local algorithm, limit, step, extra
  algorithm, limit, step, extra, at = unpacked('>BI4I8I4', spec, at)
  local remaining, reset, own, state, until_ = judges[algorithm % 8](held[i], limit, step, extra)
  if own > wait and algorithm < 8 then wait = own end
  answer[i * 3 - 1], answer[i * 3], answer[i * 3 + 1] = remaining, reset, own
  states[i], ends[i] = state, until_
end
if wait == 0 then
  for i = 1, #KEYS do
    if states[i] then call('SET', KEYS[i], states[i], 'PX', ceil((ends[i] - now) / 1000) + 1) end
  end
else
  -- Refused: rules that would have let it pass have not been charged, so what remains is what was there.
  answer[1] = wait
  cost = 0
  at = 1
  for i = 1, #KEYS do
    local algorithm, limit, step, extra
    algorithm, limit, step, extra, at = unpacked('>BI4I8I4', spec, at)
    if states[i] then
      answer[i * 3 - 1], answer[i * 3] = judges[algorithm % 8](held[i], limit, step, extra)
    end
  end
end
return answer
