-- people: who is here. A person is here as long as a hub says so whose lease lasts, however many streams and hubs it is.
-- people: user -> "hubs since name"; hubs: hub -> end of its lease, ms; at:<hub>: the users that it has.
local function person(kind, other, called, more)
    tell(room, '{"type":"' .. kind .. '","room":"' .. name .. '","userId":"' .. other .. '","name":' ..
        cjson.encode(called) .. (more or '') .. '}')
end

local function enter(hub, other, called)
    if redis.call('SADD', room .. ':at:' .. hub, other) == 0 then
        return
    end
    local hubs, since = string.match(redis.call('HGET', room .. ':people', other) or '', '^(%d+) (%d+) ')
    redis.call('HSET', room .. ':people', other,
        string.format('%d %.0f %s', (hubs or 0) + 1, since or now, called))
    if not hubs then
        person('join', other, called)
    end
end

local function leave(hub, other)
    if redis.call('SREM', room .. ':at:' .. hub, other) == 0 then
        return
    end
    local hubs, since, called = string.match(redis.call('HGET', room .. ':people', other) or '', '^(%d+) (%d+) (.*)$')
    if not hubs then
        return
    end
    if tonumber(hubs) > 1 then
        redis.call('HSET', room .. ':people', other, string.format('%d %s %s', hubs - 1, since, called))
        return
    end
    redis.call('HDEL', room .. ':people', other)
    redis.call('ZREM', room .. ':typing', other)
    person('leave', other, called)
end

local function close_hub(hub)
    for _, other in ipairs(redis.call('SMEMBERS', room .. ':at:' .. hub)) do
        leave(hub, other)
    end
    redis.call('ZREM', room .. ':hubs', hub)
end

-- Lets go of those whose hub is gone, and of typing that nobody renewed.
local function sweep()
    for _, hub in ipairs(redis.call('ZRANGEBYSCORE', room .. ':hubs', '-inf', now)) do
        close_hub(hub)
    end
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', room .. ':typing', '-inf', now)) do
        redis.call('ZREM', room .. ':typing', other)
        local called = string.match(redis.call('HGET', room .. ':people', other) or '', '^%d+ %d+ (.*)$')
        person('typing', other, called or other, ',"typing":false')
    end
end
