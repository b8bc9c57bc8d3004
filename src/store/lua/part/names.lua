-- names: what the keys are called, and the time. KEYS[1] is the room's log.
-- What concerns the whole site or another room hangs on the same names. These keys are not declared: on a cluster,
-- where they lie elsewhere, such work would have to go by a queue.
local log = KEYS[1]
local namespace, name = string.match(log, '^earshot:{([^/]*)/(.*)}:log$')
local room, site = string.sub(log, 1, -5), 'earshot:' .. namespace

local function keys_of(other)
    return 'earshot:{' .. namespace .. '/' .. other .. '}'
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- One more of something today, for the statistics.
local function count(what)
    local key = site .. ':stats:' .. math.floor(now / 86400000)
    if redis.call('HINCRBY', key, what, 1) == 1 then
        redis.call('EXPIRE', key, 34560000)
    end
end
