-- Stores an event and publishes it, or only publishes it; all or nothing.
-- KEYS[1] the room's log.
-- ARGV: 1 the event's JSON; 2 how many events to keep, "" = ephemeral; 3 PUBLISH or SPUBLISH;
--       4 idempotency key or ""; 5 hash of the body; 6 how long the key is kept, ms.
-- Returns {id, or "-ms" of an ephemeral event; streams open on the room; 1 when the key was used before}.
local log = KEYS[1]
local room = string.sub(log, 1, -5)
local json, keep, publish = ARGV[1], ARGV[2], ARGV[3]
local done_key = ARGV[4] ~= '' and (room .. ':idem:' .. ARGV[4])

local function now()
    local time = redis.call('TIME')
    return string.format('%d%03d', time[1], math.floor(time[2] / 1000))
end

local function listeners()
    local sum = 0
    local leases = redis.call('HVALS', room .. ':listeners')
    local past = leases[1] and tonumber(now())
    for _, lease in ipairs(leases) do
        local count, expiry = string.match(lease, '^(%d+):(%d+)$')
        if count and tonumber(expiry) > past then
            sum = sum + tonumber(count)
        end
    end
    return sum
end

if done_key then
    local done = redis.call('GET', done_key)
    if done then
        local id, hash = string.match(done, '^(%S+) (%S+)$')
        if hash ~= ARGV[5] then
            return redis.error_reply('CONFLICT the idempotency key was used with another body')
        end
        return {id, listeners(), 1}
    end
end

local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
local previous = newest and newest[1] or '0-0'
if not newest and redis.call('EXISTS', log) == 1 then
    -- All was trimmed: the last id is known all the same.
    local info = redis.call('XINFO', 'STREAM', log)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            previous = info[i + 1]
        end
    end
end
local id
if keep == '' then
    id = '-' .. now()
else
    -- With the id before it, so that a reader can tell what was trimmed from what never was.
    id = redis.call('XADD', log, 'MAXLEN', '~', keep, '*', 'e', json, 'p', previous)
end
if done_key then
    redis.call('SET', done_key, id .. ' ' .. ARGV[5], 'PX', ARGV[6])
end
-- After XADD: the other way round delivers ghosts when Redis is out of memory.
redis.call(publish, room .. ':live', previous .. ' ' .. id .. ' ' .. json)
return {id, listeners(), 0}
