-- Holds a lease longer.  KEYS: lease.  ARGV: token, ms.  Returns 1, or 0 when it has ended.
if redis.call('HGET', KEYS[1], 't') ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
