-- Writes what callbacks say, up to a thousand devices in one call.
-- ARGV[2]  the most attempts        ARGV[3]  the phase in which nothing is retried
-- ARGV[4..] six for each event: place, batch, kind (see EVENT), fault code, fault text, when a retry would be due (s)
-- Returns: a string with one digit an event (see EFFECT); the batches that closed; the retry buckets that grew.
local current = phase()
if not current then -- the job was deleted: nothing of it must come back to life
  return { string.rep(tostring(EFFECT.outdated), (#ARGV - 3) / 6), {}, {} }
end
local most, withdrawn = tonumber(ARGV[2]), current == ARGV[3]
local seconds = floor(now / 1000)
local effects, waits, dues, dirty = {}, {}, {}, {}
local tally = {}

-- resolve tells the state and reason that an event moves its device to, or nil and the effect of an event without one.
local function resolve(kind, mine, settled_by_mine, state, attempt, flags, fresh)
  if kind == EVENT.warned then return nil, EFFECT.noted end
  if kind == EVENT.confirmed then
    if state == S.succeeded then return nil, EFFECT.repeated end
    return S.succeeded, fresh and 0 or LATE
  end
  if not mine then return nil, settled_by_mine and EFFECT.repeated or EFFECT.outdated end
  if kind == EVENT.contradictory then return S.mismatched, CONTRADICTED end
  if kind == EVENT.rejected then return S.failed, FAULTED end
  if kind == EVENT.reaffirmed then
    if flags % 2 == 1 then return S.succeeded, ALREADYDONE end
    return S.failed, FAULTED
  end
  if attempt < most and not withdrawn then return S.retrying, FAULTED end
  return S.failed, FAULTED
end

for at = 4, #ARGV, 6 do
  local place, number, kind = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local record = read_record(place)
  local effect = EFFECT.outdated
  if #record == RECORD then
    local state, _, attempt, flags = byte(record, 1, 4)
    local holder = read32(record, 13)
    local mine = state == INBATCH and holder == number
    local held = state == INBATCH and batch(holder)
    local from = held and held.state or state
    local to, reason = resolve(kind, mine, holder == number, from, attempt, flags, mine)
    if not to then
      effect = reason
      if effect == EFFECT.noted then
        tell(place, 0, 0, attempt + past_of(record), fault_number(ARGV[at + 3], ARGV[at + 4]), number)
      end
      if state == S.unanswered and holder == number and kind ~= EVENT.confirmed and ARGV[at + 3] ~= '' then
        -- The carrier's word came after the deadline. It changes no count, but a person should read it.
        local fault = fault_number(ARGV[at + 3], ARGV[at + 4])
        write_record(place, encode(state, byte(record, 2), attempt, flags, read32(record, 5), fault, holder, past_of(record)), record)
      end
    elseif may(from, to) then
      local fault, changed, owner = 0, seconds, number
      if to ~= S.succeeded then fault = fault_number(ARGV[at + 3], ARGV[at + 4]) end
      if to == S.retrying then
        local bucket = bucket_name(held, flags % 2, ARGV[at + 5])
        changed = tonumber(ARGV[at + 5])
        if not waits[bucket] then
          waits[bucket] = {}
          dues[#dues + 1] = bucket
        end
        waits[bucket][#waits[bucket] + 1] = be32(place)
      end
      write_record(place, encode(to, reason, attempt, flags, changed, fault, owner, past_of(record)), record)
      count(from, to, 1, ARGV[at + 3])
      if to ~= S.retrying then took(batch(number), 1) end
      local tried = attempt + past_of(record)
      if to ~= S.succeeded or reason ~= 0 or tried > 1 then tell(place, to, reason, tried, fault, owner) end
      if held then
        held.open = held.open - 1
        dirty[held.number] = held
      end
      effect = EFFECT.settled
    end
  end
  effects[#effects + 1] = effect
  tally[effect] = (tally[effect] or 0) + 1
end

local closed = {}
for number, b in pairs(dirty) do
  if b.open == 0 then
    close_batch(b)
    closed[#closed + 1] = number
  else
    redis.call('HSET', batch_key(number), 'open', b.open)
  end
end
for _, bucket in ipairs(dues) do wait_in(bucket, waits[bucket], string.match(bucket, '(%d+)$')) end
for effect, n in pairs(tally) do redis.call('HINCRBY', KEYS[1], 'e:' .. effect, n) end
redis.call('HINCRBY', KEYS[1], 'callbacks', #effects)
write_counts()
-- tostring: an interpreter may give the single number of a one-element table back as a number.
return { tostring(table.concat(effects)), closed, dues }
