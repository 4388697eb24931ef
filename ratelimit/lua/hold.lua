-- Holds a scope. Of two holds on one scope the later end wins, and a hold until released beats both.
-- ARGV[1]  the scope        ARGV[2]  how long, µs; 0: until released        ARGV[3]  the reason
-- ARGV[4]  1 to halve the rate as well, at most once in        ARGV[5]  this long, µs
-- ARGV[6]  the least share of the full rate that is left
-- Returns {1} when this hold is now the one in force, {0} when another ends later.
if ARGV[4] == '1' then
  local cut_at = tonumber(redis.call('HGET', KEYS[1], 'cut_at') or '0')
  if now >= cut_at + tonumber(ARGV[5]) or now < cut_at then
    local left = math.max(tonumber(ARGV[6]), share() / 2)
    redis.call('HSET', KEYS[1], 'share', string.format('%.6f', left), 'cut_at', whole(now))
  end
end

local ends, since = hold(ARGV[1])
local until_then = 0
if ARGV[2] ~= '0' then until_then = now + tonumber(ARGV[2]) end
if ends and until_then > 0 and (ends == 0 or ends > until_then) then return { 0 } end
redis.call('HSET', KEYS[3], ARGV[1], whole(until_then) .. ' ' .. whole(since or now) .. ' ' .. ARGV[3])
return { 1 }
