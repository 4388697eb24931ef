-- Notes that a herald was told of entries of the job's log. Its mark moves on over what was told without a gap.
-- ARGV[2]   the herald
-- ARGV[3..] the entries' numbers, from 0
-- Returns the mark: of every entry before it the herald was told; -1 for no such job.
if not phase() then return -1 end
local herald = ARGV[2]
local mark = tonumber(redis.call('HGET', TOLD, herald) or '0')
for i = 3, #ARGV do
  if tonumber(ARGV[i]) >= mark then redis.call('HSET', TOLD, herald .. ':' .. ARGV[i], '1') end
end
while redis.call('HDEL', TOLD, herald .. ':' .. mark) == 1 do mark = mark + 1 end
redis.call('HSET', TOLD, herald, mark)
return mark
