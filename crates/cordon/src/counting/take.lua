-- Counts a demand under all of its limits, or under none.
-- KEYS: one of each limit and measure. ARGV, four of each key:
--   rate    step and tolerance in microseconds, 0
--   window  its length in milliseconds (0: a month of the calendar, in UTC), how much there is in it, how much is wanted
-- Answers: the number of the key that has no room (0: all have), how long to wait in microseconds, the time in milliseconds,
-- and two numbers of each key: how far a rate is ahead, 0; or how much of a window is used, how long it runs in milliseconds.
local DAY = 86400000
-- Years, months and days of a calendar without end: H. Hinnant, chrono-Compatible Low-Level Date Algorithms. Years begin in March.
local function day_of(year, month)
  local era = math.floor(year / 400)
  local of_era = year - era * 400
  return era * 146097 + of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + math.floor((153 * month + 2) / 5) - 719468
end
-- When the window begins that a time lies in, and how long it is.
local function window_of(length, ms)
  if length > 0 then return math.floor(ms / length) * length, length end
  local day = math.floor(ms / DAY) + 719468
  local era = math.floor(day / 146097)
  local of_era = day - era * 146097
  local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524) - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * of_year + 2) / 153)
  year = year + era * 400
  local first = day_of(year, month)
  local next = month == 11 and day_of(year + 1, 0) or day_of(year, month + 1)
  return first * DAY, (next - first) * DAY
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ms = math.floor(now / 1000)
local full, wait, found = 0, 0, {}
for i, key in ipairs(KEYS) do
  local a, b, c = tonumber(ARGV[i * 4 - 2]), tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
  if ARGV[i * 4 - 3] == 'rate' then
    local arrival = redis.call('GET', key)
    local stored = (arrival and tonumber(arrival) or 0) - now
    -- What is further ahead than a burst at this pace is of another pace: nobody waits for it.
    local ahead = math.min(math.max(stored, 0), a + b)
    found[i] = { ahead = ahead, other = stored > ahead }
    if ahead > b and full == 0 then full, wait = i, ahead - b end
  else
    local window = redis.call('HMGET', key, 'start', 'length', 'used', 'of')
    local start, length, used = tonumber(window[1] or 0), tonumber(window[2] or 0), tonumber(window[3] or 0)
    local over = ms >= start + length
    if over then used = 0 end
    -- What was counted before windows could be months says only how long they are.
    if over or tonumber(window[4] or window[2] or 0) ~= a then start, length = window_of(a, ms) end
    found[i] = { start = start, length = length, used = used, over = over }
    if c > 0 and used + c > b and full == 0 then full, wait = i, (start + length - ms) * 1000 end
  end
end
local answer = { full, math.ceil(wait), ms }
for i, key in ipairs(KEYS) do
  local state, a = found[i], tonumber(ARGV[i * 4 - 2])
  if state.ahead then
    if full == 0 then state.ahead = state.ahead + a end
    if full == 0 or state.other then
      local lasts = math.ceil(state.ahead / 1000) + 1000
      redis.call('SET', key, string.format('%.0f', now + state.ahead), 'PX', string.format('%.0f', lasts))
    end
    answer[#answer + 1], answer[#answer + 2] = math.ceil(state.ahead), 0
  else
    local left = state.start + state.length - ms
    if full == 0 then
      if state.over then redis.call('DEL', key) end
      redis.call('HSET', key, 'start', string.format('%.0f', state.start), 'length', string.format('%.0f', state.length),
        'of', string.format('%.0f', a))
      state.used = redis.call('HINCRBY', key, 'used', ARGV[i * 4])
      redis.call('PEXPIRE', key, string.format('%.0f', left + 60000))
    end
    answer[#answer + 1], answer[#answer + 2] = state.used, left
  end
end
return answer
