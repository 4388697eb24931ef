-- Gives devices of a chunk that are final, and have not succeeded, another round.
-- ARGV[2]  the chunk        ARGV[3]  how many devices it has        ARGV[4]  its group        ARGV[5]  when they are due, s
-- ARGV[6]  the states to reopen, one character each, by code        ARGV[7]  the fault code to reopen, '' for any
-- ARGV[8..] the phases in which that is right
-- Returns how many it reopened, and the names of the retry waves; -1 when the job is in another phase.
local current, right = phase(), false
for i = 8, #ARGV do right = right or ARGV[i] == current end
if not right then return { -1, {} } end
local wanted, codes = {}, {}
for i = 1, #ARGV[6] do wanted[byte(ARGV[6], i)] = true end
if ARGV[7] ~= '' then
  local faults = redis.call('HGETALL', FAULTS)
  for i = 1, #faults, 2 do
    if string.match(faults[i], '^(%Z*)') == ARGV[7] then codes[tonumber(faults[i + 1])] = true end
  end
end
local size, moved, waits = tonumber(ARGV[3]), 0, {}
local slice = redis.call('GETRANGE', state_key(ARGV[2]), 0, size * RECORD - 1)
local pieces = {}
for i = 0, size - 1 do
  local record = sub(slice, i * RECORD + 1, i * RECORD + RECORD)
  local state, _, attempt, flags = byte(record, 1, 4)
  local fault = byte(record, 9) * 256 + byte(record, 10)
  if wanted[state] and may(state, S.retrying) and (ARGV[7] == '' or codes[fault]) then
    local place, past = ARGV[2] * 16384 + i, math.min(255, past_of(record) + attempt)
    local old = record
    record = encode(S.retrying, REOPENED, 0, flags, tonumber(ARGV[5]), fault, read32(record, 13), past)
    local bucket = ARGV[4] .. ':0:' .. (flags % 2) .. ':' .. ARGV[5]
    waits[bucket] = waits[bucket] or {}
    waits[bucket][#waits[bucket] + 1] = be32(place)
    tell(place, S.retrying, REOPENED, past, fault, read32(record, 13))
    changed(place, old, record)
    count(state, S.retrying, 1)
    moved = moved + 1
  end
  pieces[i + 1] = record
end
local names = {}
if moved > 0 then
  redis.call('SETRANGE', state_key(ARGV[2]), 0, table.concat(pieces))
  for bucket, places in pairs(waits) do
    wait_in(bucket, places, ARGV[5])
    names[#names + 1] = bucket
  end
  write_counts()
end
return { moved, names }
