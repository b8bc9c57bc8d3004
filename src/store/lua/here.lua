-- with: names emit people
-- A hub tells who is here, and lets go of those whose hub is gone.
-- ARGV: 1 the hub's id, which its successor inherits; 2 how many streams it has open on the room; 3 for how long that
-- counts, ms; 4 the hub's own id, of this process; 5 for how long what it says of people counts, ms, 0 = it has none any
-- more, "" = it had none before either; 6... words: "+user", name; "-user", "".
-- Returns 1 when what the hub has said of people before still stands, 0 = all must be said again; and 2 more when there is
-- somebody here.
local ALONE = 12000 -- ms
local hub, lease = ARGV[4], tonumber(ARGV[5]) or 0
local until_ms = ARGV[5] ~= '' and redis.call('ZSCORE', room .. ':hubs', hub)

-- Who was away himself cannot tell who else is gone: after Redis was away all leases are over at once.
local function was_here()
    if until_ms then
        return tonumber(until_ms) > now
    end
    local said = string.match(redis.call('HGET', room .. ':listeners', ARGV[1]) or '', ':(%d+)$')
    return said and said - ARGV[3] > now - ALONE
end

if was_here() then
    sweep()
end
if ARGV[2] == '0' then
    redis.call('HDEL', room .. ':listeners', ARGV[1])
else
    redis.call('HSET', room .. ':listeners', ARGV[1], string.format('%s:%.0f', ARGV[2], now + ARGV[3]))
    redis.call('PEXPIRE', room .. ':listeners', 2 * ARGV[3])
end
if lease > 0 then
    redis.call('ZADD', room .. ':hubs', now + lease, hub)
end
for i = 6, #ARGV, 2 do
    local other = string.sub(ARGV[i], 2)
    if string.sub(ARGV[i], 1, 1) == '+' then
        enter(hub, other, ARGV[i + 1])
    else
        leave(hub, other)
    end
end
if lease == 0 then
    if until_ms then
        close_hub(hub)
    end
    return 1 + 2 * redis.call('EXISTS', room .. ':people')
end
for _, key in ipairs({':hubs', ':people', ':at:' .. hub}) do
    redis.call('PEXPIRE', room .. key, 3600000)
end
return (until_ms and 1 or 0) + 2 * redis.call('EXISTS', room .. ':people')
