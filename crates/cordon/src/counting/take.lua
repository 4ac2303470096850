-- Counts a demand under all of its limits, or under none.
-- KEYS: one of each limit and measure. ARGV, four of each key:
--   rate    step and tolerance in microseconds, 0
--   window  its length in milliseconds, how much there is in it, how much is wanted
-- Answers: the number of the key that has no room (0: all have), how long to wait in microseconds, the time in milliseconds,
-- and two numbers of each key: how far a rate is ahead, 0; or how much of a window is used, how long it runs in milliseconds.
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
    local window = redis.call('HMGET', key, 'start', 'length', 'used')
    local start, length, used = tonumber(window[1] or 0), tonumber(window[2] or 0), tonumber(window[3] or 0)
    local over = ms >= start + length
    if over then used = 0 end
    if over or length ~= a then start, length = math.floor(ms / a) * a, a end
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
      redis.call('HSET', key, 'start', string.format('%.0f', state.start), 'length', string.format('%.0f', state.length))
      state.used = redis.call('HINCRBY', key, 'used', ARGV[i * 4])
      redis.call('PEXPIRE', key, string.format('%.0f', left + 60000))
    end
    answer[#answer + 1], answer[#answer + 2] = state.used, left
  end
end
return answer
