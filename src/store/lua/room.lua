-- Describes a room for the list of rooms.
-- KEYS[1] the room's log. Returns {topic or ""; newest id kept, "0-0" = none; streams open on it}.
local log = KEYS[1]
local room = string.sub(log, 1, -5)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local online = 0
for _, lease in ipairs(redis.call('HVALS', room .. ':listeners')) do
    local count, expiry = string.match(lease, '^(%d+):(%d+)$')
    if count and tonumber(expiry) > now then
        online = online + tonumber(count)
    end
end

local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
return {redis.call('HGET', room .. ':meta', 'topic') or '', newest and newest[1] or '0-0', online}
