-- KEYS, two a token: its record, its grave.
-- ARGV, two a token: the tombstone (time of issue, fingerprint), for how many milliseconds to remember it.
-- Answers how many records it dropped.

-- The grave with one more token: Grave::add. Of one instant the last sixteen stay.
local function add(grave, tombstone)
  local order = compare(tombstone, 1, grave, 1)
  if order > 0 then return tombstone end
  if order < 0 or lies_in(grave, string.sub(tombstone, 9)) then return grave end
  if #grave == 264 then grave = string.sub(grave, 1, 8) .. string.sub(grave, 25) end
  return grave .. string.sub(tombstone, 9)
end

local dropped = 0
for i = 1, #KEYS, 2 do
  local tombstone, remaining = ARGV[i], tonumber(ARGV[i + 1])
  local grave = get(KEYS[i + 1])
  if is_grave(grave) then
    grave = add(grave, tombstone)
    remaining = math.max(remaining, redis.call('PTTL', KEYS[i + 1]))
  else
    grave = tombstone
  end
  -- The record goes first: that needs no memory, and a script that has begun to write may go on without.
  local record = get(KEYS[i])
  if readable(record) and buries(grave, record) then
    redis.call('DEL', KEYS[i])
    dropped = dropped + 1
  end
  if remaining > 0 then
    redis.call('SET', KEYS[i + 1], grave, 'PX', string.format('%d', remaining))
  end
end
return dropped
