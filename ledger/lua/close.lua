-- Ends a batch whatever is still open in it: its deadline or grace is over, it was refused, or it is withdrawn unsent.
-- ARGV[2]  the batch        ARGV[3]  the state it must be in        ARGV[4]  the run that must own it, '' for any
-- ARGV[5]  '1' if its deadline must be over
-- ARGV[6]  the final state of its devices        ARGV[7]  the reason        ARGV[8], ARGV[9]  the fault's code and words
-- ARGV[10] '1' if devices with attempts left retry instead        ARGV[11] the most attempts
-- ARGV[12] when the retries are due, s        ARGV[13] '1' if the outcome is unknown, so that a further attempt repeats
-- ARGV[14] the phase in which nothing is retried        ARGV[15] a note
-- Returns how many devices it moved, and the retry bucket they went to ('' for none); -1 where it had no right to.
local b = batch(ARGV[2])
if not b or b.state ~= tonumber(ARGV[3]) then return { -1, '' } end
if ARGV[4] ~= '' and b.run ~= ARGV[4] then return { -1, '' } end
if ARGV[5] == '1' and b.due > now then return { -1, '' } end
local retry = ARGV[10] == '1' and b.attempt < tonumber(ARGV[11]) and phase() ~= ARGV[14]
local to = retry and S.retrying or tonumber(ARGV[6])
if not may(b.state, to) then return { -1, '' } end

local reason, fault, seconds = tonumber(ARGV[7]), fault_number(ARGV[8], ARGV[9]), floor(now / 1000)
local not_sent = b.state == S.queued
if retry then seconds = tonumber(ARGV[12]) end
local places, moved = {}, 0
each_open(b, function(place, record)
  local _, _, attempt, flags = byte(record, 1, 4)
  if ARGV[13] == '1' and flags % 2 == 0 then flags = flags + 1 end
  if not_sent then attempt = attempt - 1 end
  moved = moved + 1
  if retry then places[moved] = be32(place) end
  if not not_sent then tell(place, to, reason, attempt + past_of(record), fault, b.number) end
  return encode(to, reason, attempt, flags, seconds, fault, b.number, past_of(record))
end)

local bucket = ''
if retry and moved > 0 then
  bucket = bucket_name(b, ARGV[13] == '1' and '1' or b.again, ARGV[12])
  wait_in(bucket, places, ARGV[12])
end
if ARGV[15] ~= '' then redis.call('HSET', batch_key(b.number), 'note', ARGV[15]) end
if moved > 0 then
  count(b.state, to, moved, ARGV[8])
  if not retry and not not_sent then took(b, moved) end
end
write_counts()
close_batch(b)
return { moved, bucket }
