-- Says how much is used, and changes nothing.
-- KEYS: one of each limit and measure. ARGV, one of each key: rate or window.
-- Answers: the time in milliseconds, and three numbers of each key: how far a rate is ahead in microseconds, 0, 0; or how much of a
-- window is used, and when it begins and ends in milliseconds, all 0 where it is over.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ms = math.floor(now / 1000)
local answer = { ms }
for i, key in ipairs(KEYS) do
  local a, b, c = 0, 0, 0
  if ARGV[i] == 'rate' then
    a = math.max(math.ceil(tonumber(redis.call('GET', key) or 0) - now), 0)
  else
    local window = redis.call('HMGET', key, 'start', 'length', 'used')
    local start, length = tonumber(window[1] or 0), tonumber(window[2] or 0)
    if ms < start + length then a, b, c = tonumber(window[3] or 0), start, start + length end
  end
  answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = a, b, c
end
return answer
