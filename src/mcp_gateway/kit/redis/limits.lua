-- One decision over all rules of a call: charge every rule or none.
-- KEYS[i]: the state of rule i. ARGV[1]: the cost, 0 only looks. ARGV[2]: 17 bytes per rule, '>BI4I8I4':
--   algorithm (0 gcra, 1 window, 2 exact; 8 more when the rule is in shadow), limit,
--   step in microseconds (gcra: between two units; window: a bucket; exact: the window itself), burst or number of slots.
-- Answers in microseconds: how long the call must wait (0: admitted); per rule what remains, when all is back, its own wait.
-- The same arithmetic as kit/limits/cells.py. Time is the server's. What a clock that was set back left in the future counts as
-- of now, so a rule is stricter for one window, never laxer; each judge then returns the mended state with its refusal, to be kept.
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpacked, byte, call = struct.pack, struct.unpack, string.byte, redis.call
local stamp = call('TIME')
local now = stamp[1] * 1000000 + stamp[2]
local cost, spec = tonumber(ARGV[1]), ARGV[2]

-- gcra: the time at which the next unit is due if they flow evenly (8 bytes).
local function gcra(held, _, step, burst)
  local tolerance = step * burst
  local due = held and max((unpacked('>I8', held)), now) or now
  local mended
  if due > now + tolerance then
    due = now + tolerance
    mended = pack('>I8', due)
  end
  local spare = now + tolerance - due
  local wait = max(0, cost * step - spare)
  if wait > 0 or cost == 0 then return max(0, floor(spare / step)), due - now, wait, mended, due end
  due = due + cost * step
  return floor((now + tolerance - due) / step), due - now, 0, pack('>I8', due), due
end

-- window: bytes per number, the newest bucket's number modulo 2^32, the sum; then the count of each older bucket, the last before
-- the newest first, as far back as any counts. What the newest holds is the rest of the sum.
local function window(held, limit, step, slots)
  local bucket = floor(now / step)
  local needed = limit < 256 and 1 or limit < 65536 and 2 or limit < 16777216 and 3 or 4
  local total, older, aged, wide = 0, '', 0, held and byte(held) or needed
  local form, set_back = '>I' .. wide, false
  if held then
    local last
    last, total = unpacked('>I4I' .. wide, held, 2)
    aged = (bucket - last) % 4294967296
    set_back = aged >= 2147483648
    if set_back then aged = 0 end
    if aged < slots then older = held:sub(6 + wide) else total = 0 end
  end
  local reset = total > 0 and (bucket - aged + slots) * step - now or 0
  if total > 0 and aged > 0 then
    local newest, kept = total, (slots - 1 - aged) * wide
    for at = 1, #older, wide do
      local count = unpacked(form, older, at)
      newest = newest - count
      if at > kept then total = total - count end
    end
    older = ('\0'):rep((aged - 1) * wide) .. pack(form, newest) .. older:sub(1, kept)
  end
  local excess = total + cost - limit
  if excess > 0 or cost == 0 then
    local wait = excess > 0 and max(reset, 1) or 0
    if excess > 0 then
      for at = #older - wide + 1, 1, -wide do
        excess = excess - unpacked(form, older, at)
        if excess <= 0 then
          wait = (bucket - (at - 1) / wide - 1 + slots) * step - now
          break
        end
      end
    end
    local mended = set_back and pack('>I1I4I' .. wide, wide, bucket % 4294967296, total) .. older or nil
    return max(0, limit - total), reset, wait, mended, (bucket + slots) * step
  end
  total = total + cost
  if wide < needed then
    local wider = {}
    for at = 1, #older, wide do wider[#wider + 1] = pack('>I' .. needed, (unpacked(form, older, at))) end
    older, wide = table.concat(wider), needed
  end
  local ends = (bucket + slots) * step
  return limit - total, ends - now, 0, pack('>I1I4I' .. wide, wide, bucket % 4294967296, total) .. older, ends
end

-- exact: the millisecond (6 bytes) of every unit admitted in the window, oldest first.
local function exact(held, limit, step)
  held = held or ''
  local window_ms, now_ms, count = ceil(step / 1000), floor(now / 1000), #held / 6
  local mended
  if count > 0 and unpacked('>I6', held, #held - 5) > now_ms then
    local stamps = {}
    for at = 1, #held, 6 do stamps[#stamps + 1] = pack('>I6', min(now_ms, (unpacked('>I6', held, at)))) end
    held = table.concat(stamps)
    mended = held
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
    return max(0, limit - live), live > 0 and leaves(count) or 0, wait, mended, (now_ms + window_ms + 1) * 1000
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
if wait > 0 then
  -- Refused: rules that would have let it pass are judged anew without the cost, so what remains is what was there.
  answer[1], at = wait, 1
  cost = 0
  for i = 1, #KEYS do
    local algorithm, limit, step, extra, _
    algorithm, limit, step, extra, at = unpacked('>BI4I8I4', spec, at)
    if answer[i * 3 + 1] == 0 then
      answer[i * 3 - 1], answer[i * 3], _, states[i], ends[i] = judges[algorithm % 8](held[i], limit, step, extra)
    end
  end
end
for i = 1, #KEYS do
  if states[i] then call('SET', KEYS[i], states[i], 'PX', ceil((ends[i] - now) / 1000) + 1) end
end
return answer
