-- KEYS, two a token: its record, its lease.
-- ARGV: who leases, for how many milliseconds, and for each token the stamp (issued, expires) that the claimant has, or ''.
-- Answers two things a token: what a key holds if its record beats what the claimant has, and for how many milliseconds it may
-- still be kept; or nil and 1 if the lease is the claimant's; or nil and 0 if it is another's.
local owner, time = ARGV[1], ARGV[2]
local now = clock()
local answer = {}
for i = 1, #KEYS, 2 do
  local has = ARGV[2 + (i + 1) / 2]
  local record = get(KEYS[i])
  local remaining = remaining_of(record, now)
  local found = remaining > 0 and believable(record, now)
    and (has == '' or beats(record, 11, has, 1))
  local holder = not found and get(KEYS[i + 1])
  if found then
    answer[i], answer[i + 1] = record, remaining
  elseif holder and holder ~= owner then
    answer[i], answer[i + 1] = false, 0
  else
    redis.call('SET', KEYS[i + 1], owner, 'PX', time)
    answer[i], answer[i + 1] = false, 1
  end
end
return answer
