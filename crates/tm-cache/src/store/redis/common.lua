-- Stands before every script. Values come from anybody who can write to this Redis, so nothing here trusts them.
--
-- Times are 64-bit big-endian numbers. They are read in halves, since Lua's numbers hold 53 bits, and never compared as
-- strings, since Lua's `<` on strings follows the locale of the server.

-- What a key holds: false if nothing, or something that is no string and so none of ours.
local function get(key)
  local value = redis.pcall('GET', key)
  if type(value) ~= 'table' then return value end
  if string.find(value.err, 'WRONGTYPE', 1, true) then return false end
  return redis.call('GET', key) -- any other error is one of the whole script
end

-- Whether it is a record of version 1 (Record::parse) with eight bytes behind it: when its time here is over, by the clock of
-- this Redis.
local function readable(value)
  return value and #value >= 50 and #value <= 32776 and string.byte(value) == 1
end

-- The time at a place as a number. Where it is too large for Lua to be exact, it is too late anyway.
local function time_at(value, place)
  local high, low = struct.unpack('>i4I4', value, place)
  return high * 4294967296 + low
end

-- For how many milliseconds what a key holds may still be kept; 0 if it is no record, or at its end, or if no store of ours
-- would have kept it for so long.
local function remaining_of(value, now)
  local left = readable(value) and time_at(value, #value - 7) - now or 0
  return left > 0 and left <= 86400000 and left or 0
end

-- -1, 0 or 1: the time at place i of a against the time at place j of b.
local function compare(a, i, b, j)
  local a_high, a_low = struct.unpack('>i4I4', a, i)
  local b_high, b_low = struct.unpack('>i4I4', b, j)
  if a_high ~= b_high then return a_high < b_high and -1 or 1 end
  if a_low ~= b_low then return a_low < b_low and -1 or 1 end
  return 0
end

-- Whether the stamp (issued, expires) at place i of a beats the one at place j of b: Record::beats.
local function beats(a, i, b, j)
  local issued = compare(a, i, b, j)
  return issued > 0 or (issued == 0 and compare(a, i + 8, b, j + 8) > 0)
end

-- In milliseconds, by the clock of this Redis.
local function clock()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Whether the time of issue of a readable record can be true: Record::is_believable.
local function believable(record, now)
  return time_at(record, 11) <= now + 300000
end

-- Whether it is a grave: a time of issue, and 1 to 16 fingerprints.
local function is_grave(value)
  return value and #value >= 24 and #value <= 264 and #value % 16 == 8
end

-- Whether one of a grave's tokens is the one with this fingerprint.
local function lies_in(grave, fingerprint)
  for at = 9, #grave, 16 do
    if string.sub(grave, at, at + 15) == fingerprint then return true end
  end
  return false
end

-- Whether a readable record has to give way: Grave::buries.
local function buries(grave, record)
  return compare(record, 11, grave, 1) < 0 or lies_in(grave, string.sub(record, 27, 42))
end
