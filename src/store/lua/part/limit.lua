-- limit: how much of something, and how often (the generic cell rate algorithm). A key holds when it is as if nothing
-- had been taken, ms, and how often it was refused within an hour.
local STRIKES = 10 -- refusals before a pause
local PAUSE = 60000 -- ms; twice as long each time

-- Takes one, where one comes back every `every` ms and `burst` may be taken at once. Returns how many ms to wait when
-- it may not; else nil, how many are left, and when all are back, ms.
local function take(key, every, burst)
    local full, strikes = string.match(redis.call('GET', key) or '', '^(%d+) (%d+)$')
    full, strikes = math.max(tonumber(full) or 0, now), tonumber(strikes) or 0
    if full + every - now <= every * burst then
        full = full + every
        redis.call('SET', key, string.format('%.0f %d', full, strikes), 'PX',
            strikes > 0 and 3600000 or math.max(full - now, 1))
        return nil, math.floor((every * burst - (full - now)) / every), full - now
    end
    strikes = strikes + 1
    if strikes % STRIKES == 0 then
        full = now + every * burst + PAUSE * 2 ^ math.min(strikes / STRIKES - 1, 10)
    end
    redis.call('SET', key, string.format('%.0f %d', full, strikes), 'PX', 3600000 + full - now)
    return full + every - now - every * burst
end
