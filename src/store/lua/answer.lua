-- A hub answers what all are asked. KEYS[1] has the answers. ARGV: 1 the hub; 2 what it says; 3 for how long that is kept,
-- ms.
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
