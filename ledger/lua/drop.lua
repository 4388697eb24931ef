-- Cancels single devices, as far as they are not with the carrier.
-- ARGV[2]  the log's entry        ARGV[3..] the places
-- Returns for each the state it is in now; 0 beside a place that is none.
local states, emptied, moved = {}, {}, 0
for i = 3, #ARGV do
  local place = tonumber(ARGV[i])
  local record = read_record(place)
  local state = 0
  if #record == RECORD then
    local _, _, attempt, flags = byte(record, 1, 4)
    state = byte(record, 1)
    local held = state == INBATCH and batch(read32(record, 13))
    if held then state = held.state end
    if may(state, S.cancelled) then
      if held then
        held.open, attempt = held.open - 1, attempt - 1
        emptied[held.number] = held
      end
      local fault = byte(record, 9) * 256 + byte(record, 10)
      write_record(place, encode(S.cancelled, WITHDRAWN, attempt, flags, floor(now / 1000), fault, read32(record, 13),
        past_of(record)), record)
      tell(place, S.cancelled, WITHDRAWN, attempt + past_of(record), fault, read32(record, 13))
      count(state, S.cancelled, 1)
      state, moved = S.cancelled, moved + 1
    end
  end
  states[i - 2] = state
end
for number, b in pairs(emptied) do
  if b.open == 0 then close_batch(b) else redis.call('HSET', batch_key(number), 'open', b.open) end
end
if moved > 0 then
  redis.call('RPUSH', LOG, ARGV[2])
  write_counts()
end
return states
