-- Decisions of one moment, judged one after the other as if each had come alone: each charges all its rules or none.
-- A budget that several of them touch is read once and written once.
-- KEYS: every budget touched, each once. ARGV[1]: per decision '>I2I8' which set of rules (1 is ARGV[2]), the cost (0 only looks),
--   then '>I2' per rule which key. ARGV[2] and on: a set of rules, 17 bytes per rule, '>BI4I8I4':
--   algorithm (0 gcra, 1 window, 2 exact; 8 more when the rule is in shadow), limit,
--   step in microseconds (gcra: between two units; window: a bucket; exact: the window itself), burst or number of slots.
-- Answers per decision in microseconds: how long it must wait (0: admitted); per rule what remains, when all is back, its own wait.
-- The same arithmetic as kit/limits/cells.py. Time is the server's. What a clock that was set back left in the future counts as
-- of now, so a rule is stricter for one window, never laxer; the mended state is kept with a refusal too.
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
local pack, unpacked, byte, rep = struct.pack, struct.unpack, string.byte, string.rep
local call = redis.call
local stamp = call('TIME')
local now = stamp[1] * 1000000 + stamp[2]
local now_ms = floor(now / 1000)
local GCRA, WINDOW = 0, 1
local UNSIGNED = {'>I1', '>I2', '>I3', '>I4'}

local stored = call('MGET', unpack(KEYS))
-- By key. level: gcra, the time at which the next unit is due if they flow evenly; window, the sum; exact, how many are in the
-- window. newest: window, the bucket last counted in. older: window, the stored counts before the present bucket; exact, how many
-- stamps have left. ends: when the state written back may go; only a changed one has it.
local level, newest, older, older_width, ends, form = {}, {}, {}, {}, {}, {}

local function width(number)
  return number < 256 and 1 or number < 65536 and 2 or number < 16777216 and 3 or 4
end

-- Counts in the buckets before the present one, the last first; trailing zeros may be there.
local function counts_of(key)
  local counts, text, wide = {}, older[key], older_width[key]
  if wide == 1 then
    counts = {byte(text, 1, -1)}
  else
    for at = 1, #text, wide do counts[#counts + 1] = unpacked(UNSIGNED[wide], text, at) end
  end
  return counts
end

-- window: '>I4' the newest bucket's number modulo 2^28, two bits for the bytes of the sum and two for those of a count (less one);
-- the sum; then the count of each older bucket, the last before the newest first, as far back as any counts. What the newest
-- holds is the rest of the sum.
local function roll(key, held, step, slots)
  local bucket = floor(now / step)
  local head = unpacked('>I4', held)
  local wide, sum_wide = head % 4 + 1, floor(head / 4) % 4 + 1
  local total, aged = unpacked(UNSIGNED[sum_wide], held, 5), (bucket - floor(head / 16)) % 268435456
  older[key], older_width[key] = held:sub(5 + sum_wide), wide
  if aged >= 134217728 then  -- the clock was set back
    aged, ends[key] = 0, (bucket + slots) * step
  elseif aged >= slots then
    total, older[key] = 0, ''
  elseif aged > 0 then
    local counts, rolled, last, most, sum = counts_of(key), {}, total, 0, 0
    for i = 1, #counts do last = last - counts[i] end
    for _ = 1, aged - 1 do rolled[#rolled + 1] = 0 end
    rolled[#rolled + 1] = last
    for i = 1, slots - 1 - aged do rolled[#rolled + 1] = counts[i] end
    while rolled[#rolled] == 0 do rolled[#rolled] = nil end
    for i = 1, #rolled do
      most, sum = max(most, rolled[i]), sum + rolled[i]
    end
    wide, total = width(most), sum
    for i = 1, #rolled do rolled[i] = pack(UNSIGNED[wide], rolled[i]) end
    older[key], older_width[key] = table.concat(rolled), wide
  end
  level[key], newest[key] = total, bucket - aged
end

-- exact: the millisecond (6 bytes) of every unit admitted in the window, oldest first.
local function slide(key, held, step)
  local oldest, count = now_ms - ceil(step / 1000), #held / 6
  if unpacked('>I6', held, #held - 5) > now_ms then  -- the clock was set back
    local stamps = {}
    for at = 1, #held, 6 do stamps[#stamps + 1] = pack('>I6', min(now_ms, (unpacked('>I6', held, at)))) end
    stored[key], ends[key] = table.concat(stamps), (2 * now_ms - oldest + 1) * 1000
    held = stored[key]
  end
  local low, high = 0, count
  while low < high do
    local middle = floor((low + high) / 2)
    if unpacked('>I6', held, middle * 6 + 1) < oldest then low = middle + 1 else high = middle end
  end
  level[key], older[key] = count - low, low
end

local function load(key, rule)
  local held, kind = stored[key], rule.kind
  form[key] = kind
  if kind == GCRA then
    level[key] = held and max((unpacked('>I8', held)), now) or now
  elseif not held then
    level[key], older[key], older_width[key] = 0, kind == WINDOW and '' or 0, 1
  elseif kind == WINDOW then
    roll(key, held, rule.step, rule.extra)
  else
    slide(key, held, rule.step)
  end
  return level[key]
end

-- exact: in how long the unit at this place leaves the window; those admitted in this call come after the stored ones.
local function leaves(key, place, step)
  local held = stored[key] or ''
  local at = (older[key] + place - 1) * 6 + 1
  return ((at < #held and unpacked('>I6', held, at) or now_ms) + ceil(step / 1000) + 1) * 1000 - now
end

local function reset_of(key, rule)
  if rule.kind == GCRA then return level[key] - now end
  if level[key] == 0 then return 0 end
  if rule.kind == WINDOW then return (newest[key] + rule.extra) * rule.step - now end
  return leaves(key, level[key], rule.step)
end

-- How long a call waits that is `over` what fits.
local function wait_of(key, rule, over)
  if rule.kind == GCRA then return over end
  if rule.kind ~= WINDOW then
    local live = level[key]
    return live > 0 and leaves(key, min(over, live), rule.step) or 1000
  end
  local bucket, counts = floor(now / rule.step), counts_of(key)
  for back = #counts, 1, -1 do
    over = over - counts[back]
    if over <= 0 then return (bucket - back + rule.extra) * rule.step - now end
  end
  return max(reset_of(key, rule), 1)
end

local function left_of(key, rule)
  if rule.kind == GCRA then return max(0, floor((now + rule.tolerance - level[key]) / rule.step)) end
  return max(0, rule.limit - level[key])
end

local sets = {}
local function set_of(number)
  local text, rules = ARGV[number + 1], {}
  for at = 1, #text, 17 do
    local kind, limit, step, extra = unpacked('>BI4I8I4', text, at)
    local rule = {kind = kind % 8, shadow = kind >= 8, limit = limit, step = step, extra = extra}
    -- Above which level nothing more fits; gcra counts in microseconds, from now.
    rule.unit, rule.most, rule.lasts = 1, limit, (now_ms + ceil(step / 1000) + 1) * 1000
    if rule.kind == GCRA then
      rule.tolerance = step * extra
      rule.unit, rule.most = step, now + rule.tolerance
    elseif rule.kind == WINDOW then
      rule.bucket = floor(now / step)
      rule.lasts = (rule.bucket + extra) * step
    end
    rules[#rules + 1] = rule
  end
  sets[number] = rules
  return rules
end

local decisions, answers, keys, own, at = ARGV[1], {}, {}, {}, 1
while at <= #decisions do
  local number, cost, wait
  number, cost, at = unpacked('>I2I8', decisions, at)
  local rules = sets[number] or set_of(number)
  wait = 0
  for i = 1, #rules do
    local rule, key = rules[i], nil
    key, at = unpacked('>I2', decisions, at)
    keys[i] = key
    local held, most = level[key] or load(key, rule), rule.most
    if rule.kind == GCRA and held > most then  -- the clock was set back
      held, level[key], ends[key] = most, most, most
    end
    local over = held + cost * rule.unit - most
    own[i] = over > 0 and wait_of(key, rule, over) or 0
    if over > 0 and not rule.shadow and own[i] > wait then wait = own[i] end
  end
  local answer = {wait}
  for i = 1, #rules do
    local rule, key, alone = rules[i], keys[i], own[i]
    local place = i * 3 - 1
    if wait > 0 or alone > 0 or cost == 0 then
      answer[place], answer[place + 1], answer[place + 2] = left_of(key, rule), reset_of(key, rule), alone
    else
      local held = level[key] + cost * rule.unit
      level[key] = held
      if rule.kind == GCRA then
        ends[key] = held
        answer[place], answer[place + 1] = floor((rule.most - held) / rule.step), held - now
      else
        ends[key], newest[key] = rule.lasts, rule.bucket
        answer[place], answer[place + 1] = rule.limit - held, rule.lasts - now
      end
      answer[place + 2] = 0
    end
  end
  answers[#answers + 1] = answer
end

local function written(key)
  if form[key] == GCRA then return pack('>I8', level[key]) end
  if form[key] == WINDOW then
    local total, text = level[key], older[key]
    local wide = width(total)
    local head = newest[key] % 268435456 * 16 + (wide - 1) * 4 + older_width[key] - 1
    return pack('>I4I' .. wide, head, total) .. text
  end
  local held = stored[key] or ''
  local kept = #held / 6 - older[key]
  return held:sub(older[key] * 6 + 1) .. rep(pack('>I6', now_ms), level[key] - kept)
end
for key, until_ in pairs(ends) do
  -- By the time that was judged with: Redis 7.0 counts PX from when the script began, which may be long before its TIME.
  call('SET', KEYS[key], written(key), 'PXAT', ceil(until_ / 1000) + 1)
end
return answers
