-- Puts a job's counters right after a recount, if nothing of the job has moved since the recount began.
-- ARGV[2]  what differed, in words; '' leaves the words that stand there        ARGV[3]  how many pairs of field and value
-- follow ARGV[4] that must stand as they did        ARGV[4]  how many pairs to set follow them
-- ARGV[5]  how many pairs follow these for REASONS
-- ARGV[6..] these pairs, then pairs to set, then what REASONS and at last what WAVES is to hold, in pairs
-- Returns 1 when the counters are right now, 0 when the job has moved on.
local first = 6
local last = 5 + 2 * ARGV[3]
for i = first, last, 2 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') ~= ARGV[i + 1] then return 0 end
end
first, last = last + 1, last + 2 * ARGV[4]
for i = first, last, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'drift', ARGV[2]) end
redis.call('DEL', REASONS, WAVES)
first, last = last + 1, last + 2 * ARGV[5]
for i = first, last, 2 do redis.call('HSET', REASONS, ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV, 2 do redis.call('HSET', WAVES, ARGV[i], ARGV[i + 1]) end
return 1
