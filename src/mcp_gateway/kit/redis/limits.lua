-- Decisions of one moment, judged one after the other as if each had come alone: each charges all its rules or none.
-- A budget that several of them touch is read once and written once.
-- KEYS: every budget touched, each once. ARGV[1]: per decision '>I2I8' which set of rules (1 is ARGV[2]), the cost (0 only looks),
--   then '>I2' per rule which key. ARGV[2] and on: a set of rules, 17 bytes per rule, '>BI4I8I4':
--   algorithm (0 gcra, 1 window, 2 exact; 8 more when the rule is in shadow), limit,
--   step in microseconds (gcra: between two units; window: a bucket; exact: the window itself), burst or number of slots.
-- Answers with '>i8' per number, microseconds: per decision how long it must wait (0: admitted); per rule what remains, when all is
-- back, its own wait.
-- The same arithmetic as kit/limits/cells.py. Time is the server's. What a clock that was set back left in the future counts as
-- of now, so a rule is stricter for one window, never laxer; the mended state is kept with a refusal too.
-- Written for few new tables, of a known size: a call costs the server more than its arithmetic.
local floor, max, min = math.floor, math.max, math.min
local pack, unpacked = struct.pack, struct.unpack
local call = redis.call
local stamp = call('TIME')
local now = stamp[1] * 1000000 + stamp[2]
local now_ms = floor(now / 1000)
local GCRA, WINDOW = 0, 1

local stored = call('MGET', unpack(KEYS))
-- By key. level: gcra, the time at which the next unit is due if they flow evenly; window, the sum; exact, how many are in the
-- window. newest: window, the bucket last counted in. older, wide: window, the stored counts before the present bucket and their
-- bytes each; exact, how many stamps have left. ends: when the state written back may go, false when nothing changed.
local budgets = {}

-- The bytes that a number needs and how it is packed: behind a head, and alone.
local function width(number)
  if number < 256 then return 1, '>I4I1', '>I1' end
  if number < 65536 then return 2, '>I4I2', '>I2' end
  if number < 16777216 then return 3, '>I4I3', '>I3' end
  return 4, '>I4I4', '>I4'
end

-- window: counts in the buckets before the present one, the last first.
local function counts_of(budget)
  local text, wide = budget.older, budget.wide
  if wide == 1 then return {text:byte(1, -1)} end
  local counts, form = {}, '>I' .. wide
  for at = 1, #text, wide do counts[#counts + 1] = unpacked(form, text, at) end
  return counts
end

-- window: '>I4' the newest bucket's number modulo 2^28, two bits for the bytes of the sum and two for those of a count (less one);
-- the sum; then the count of each older bucket, the last before the newest first, as far back as any counts. What the newest
-- holds is the rest of the sum.
local function roll(held, rule)
  local bucket, slots, head = rule.bucket, rule.slots, unpacked('>I4', held)
  local wide, sum_wide = head % 4 + 1, floor(head / 4) % 4 + 1
  local total = sum_wide == 1 and held:byte(5) or unpacked('>I' .. sum_wide, held, 5)
  local aged = (bucket - floor(head / 16)) % 268435456
  local budget = {kind = WINDOW, level = total, newest = bucket - aged, older = held:sub(5 + sum_wide), wide = wide, ends = false}
  if aged >= 134217728 then  -- the clock was set back
    budget.newest, budget.ends = bucket, rule.lasts
  elseif aged >= slots then
    budget.level, budget.older = 0, ''
  elseif aged > 0 then
    local counts, rolled, last, most, sum = counts_of(budget), {}, total, 0, 0
    for i = 1, #counts do last = last - counts[i] end
    for i = 1, aged - 1 do rolled[i] = 0 end
    rolled[aged] = last
    for i = 1, min(#counts, slots - 1 - aged) do rolled[aged + i] = counts[i] end
    while rolled[#rolled] == 0 do rolled[#rolled] = nil end
    for i = 1, #rolled do
      most, sum = max(most, rolled[i]), sum + rolled[i]
    end
    local form, unused
    wide, unused, form = width(most)
    for i = 1, #rolled do rolled[i] = pack(form, rolled[i]) end
    budget.level, budget.older, budget.wide = sum, table.concat(rolled), wide
  end
  return budget
end

-- exact: the millisecond (6 bytes) of every unit admitted in the window, oldest first.
local function slide(key, held, rule)
  local oldest, count, ends = now_ms - rule.window_ms, #held / 6, false
  if unpacked('>I6', held, #held - 5) > now_ms then  -- the clock was set back
    local stamps = {}
    for at = 1, #held, 6 do stamps[#stamps + 1] = pack('>I6', min(now_ms, (unpacked('>I6', held, at)))) end
    held, ends = table.concat(stamps), rule.lasts
    stored[key] = held
  end
  local low, high = 0, count
  while low < high do
    local middle = floor((low + high) / 2)
    if unpacked('>I6', held, middle * 6 + 1) < oldest then low = middle + 1 else high = middle end
  end
  return {kind = rule.kind, level = count - low, older = low, ends = ends}
end

local function load(key, rule)
  local held, kind = stored[key], rule.kind
  local budget
  if kind == GCRA then
    budget = {kind = GCRA, level = held and max((unpacked('>I8', held)), now) or now, ends = false}
  elseif not held then
    budget = {kind = kind, level = 0, newest = 0, older = kind == WINDOW and '' or 0, wide = 1, ends = false}
  elseif kind == WINDOW then
    budget = roll(held, rule)
  else
    budget = slide(key, held, rule)
  end
  budgets[key] = budget
  return budget
end

-- exact: in how long the unit at this place leaves the window; those admitted in this call come after the stored ones.
local function leaves(key, place, rule)
  local held = stored[key] or ''
  local at = (budgets[key].older + place - 1) * 6 + 1
  return ((at < #held and unpacked('>I6', held, at) or now_ms) + rule.window_ms + 1) * 1000 - now
end

local function reset_of(key, rule)
  local budget = budgets[key]
  if rule.kind == GCRA then return budget.level - now end
  if budget.level == 0 then return 0 end
  if rule.kind == WINDOW then return (budget.newest + rule.slots) * rule.step - now end
  return leaves(key, budget.level, rule)
end

-- How long a call waits that is `over` what fits.
local function wait_of(key, rule, over)
  if rule.kind == GCRA then return over end
  local live = budgets[key].level
  if rule.kind ~= WINDOW then return live > 0 and leaves(key, min(over, live), rule) or 1000 end
  local counts = counts_of(budgets[key])
  for back = #counts, 1, -1 do
    over = over - counts[back]
    if over <= 0 then return (rule.bucket - back + rule.slots) * rule.step - now end
  end
  return max(reset_of(key, rule), 1)
end

local sets = {}
-- A rule's `most` is the level above which nothing more fits; a unit of gcra is its step, and its levels are times.
local function set_of(number)
  local text, rules = ARGV[number + 1], {}
  for at = 1, #text, 17 do
    local kind, limit, step, extra = unpacked('>BI4I8I4', text, at)
    local shadow = kind >= 8
    kind = kind % 8
    local rule
    if kind == GCRA then
      rule = {kind = kind, shadow = shadow, step = step, unit = step, most = now + step * extra}
    elseif kind == WINDOW then
      local bucket = floor(now / step)
      rule = {
        kind = kind, shadow = shadow, step = step, unit = 1, most = limit, slots = extra, bucket = bucket,
        lasts = (bucket + extra) * step,
      }
    else
      local window_ms = math.ceil(step / 1000)
      rule = {
        kind = kind, shadow = shadow, unit = 1, most = limit, window_ms = window_ms, lasts = (now_ms + window_ms + 1) * 1000,
      }
    end
    rules[(at + 16) / 17] = rule
  end
  sets[number] = rules
  return rules
end

local decisions, at = ARGV[1], 1
local parts, keys, own = {'', '', '', ''}, {0, 0, 0, 0}, {0, 0, 0, 0}
local said = 0
while at <= #decisions do
  local number, cost, wait
  number, cost, at = unpacked('>I2I8', decisions, at)
  local rules = sets[number] or set_of(number)
  wait = 0
  for i = 1, #rules do
    local rule, key = rules[i], nil
    key, at = unpacked('>I2', decisions, at)
    keys[i] = key
    local budget, most = budgets[key] or load(key, rule), rule.most
    if rule.kind == GCRA and budget.level > most then  -- the clock was set back
      budget.level, budget.ends = most, most
    end
    local over = budget.level + cost * rule.unit - most
    if over > 0 then
      over = max(1, wait_of(key, rule, over))
      own[i] = over
      if not rule.shadow and over > wait then wait = over end
    else
      own[i] = 0
    end
  end
  said = said + 1
  parts[said] = pack('>i8', wait)
  for i = 1, #rules do
    local rule, alone = rules[i], own[i]
    local budget = budgets[keys[i]]
    local level, left, reset = budget.level, 0, 0
    if wait > 0 or alone > 0 or cost == 0 then
      left, reset = max(0, rule.most - level), reset_of(keys[i], rule)
    else
      level = level + cost * rule.unit
      budget.level, left = level, rule.most - level
      if rule.kind == GCRA then
        budget.ends, reset = level, level - now
      else
        budget.ends, budget.newest, reset = rule.lasts, rule.bucket, rule.lasts - now
      end
    end
    if rule.kind == GCRA then left = floor(left / rule.step) end
    said = said + 1
    parts[said] = pack('>i8i8i8', left, reset, alone)
  end
end

for key = 1, #KEYS do
  local budget = budgets[key]
  if budget and budget.ends then
    local state, kind = nil, budget.kind
    if kind == GCRA then
      state = pack('>I8', budget.level)
    elseif kind == WINDOW then
      local total = budget.level
      local wide, form = width(total)
      local head = budget.newest % 268435456 * 16 + (wide - 1) * 4 + budget.wide - 1
      state = pack(form, head, total) .. budget.older
    else
      local held = stored[key] or ''
      local kept = #held / 6 - budget.older
      state = held:sub(budget.older * 6 + 1) .. pack('>I6', now_ms):rep(budget.level - kept)
    end
    -- By the time that was judged with: Redis 7.0 counts PX from when the script began, which may be long before its TIME.
    call('SET', KEYS[key], state, 'PXAT', math.ceil(budget.ends / 1000) + 1)
  end
end
return table.concat(parts, '', 1, said)
