-- Says how many devices something has in flight. Saying it again replaces it.
-- ARGV[1]  its id        ARGV[2]  how many; 0: none any more        ARGV[3]  after how long it is forgotten, µs
-- ARGV[4]  the turn whose place it takes, or ''
-- Returns {1}.
local of_all = KEYS[5] or KEYS[4]
if ARGV[4] ~= '' then redis.call('HDEL', KEYS[4], ARGV[4]) end
if ARGV[2] == '0' then
  redis.call('HDEL', of_all, ARGV[1])
else
  redis.call('HSET', of_all, ARGV[1], ARGV[2] .. ' ' .. whole(now + tonumber(ARGV[3])))
end
return { 1 }
