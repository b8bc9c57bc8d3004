-- listeners: how many streams are open on the room, over all hubs.
local function listeners()
    local sum = 0
    for _, lease in ipairs(redis.call('HVALS', room .. ':listeners')) do
        local streams, expiry = string.match(lease, '^(%d+):(%d+)$')
        if streams and tonumber(expiry) > now then
            sum = sum + tonumber(streams)
        end
    end
    return sum
end
