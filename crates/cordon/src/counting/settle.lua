-- Counts what a call used in place of what it had reserved, once.
-- KEYS: one that says that it was done, and one of each limit and measure. ARGV: the time in milliseconds that it was counted at, and
-- of each limit and measure what is to be added, which may be less than 0.
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', '3600') then return 0 end
local at = tonumber(ARGV[1])
for i = 2, #KEYS do
  local window = redis.call('HMGET', KEYS[i], 'start', 'length')
  local start, length = tonumber(window[1] or 0), tonumber(window[2] or 0)
  if at >= start and at < start + length then
    if redis.call('HINCRBY', KEYS[i], 'used', ARGV[i]) < 0 then redis.call('HSET', KEYS[i], 'used', '0') end
  end
end
return 1
