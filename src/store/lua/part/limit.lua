-- limit: how much of something, and how often (the generic cell rate algorithm). A key holds when it is as if nothing
-- had been taken, ms; in how many seconds something was refused within an hour; and when the last time, ms.
local STRIKES = 10 -- seconds with a refusal, before a pause
local PAUSE = 60000 -- ms; twice as long each time

-- Takes one, where one comes back every `every` ms and `burst` may be taken at once. Returns how many ms to wait when
-- it may not; else nil, how many are left, and when all are back, ms.
local function take(key, every, burst)
    local full, strikes, last = string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+)$')
    full, strikes, last = math.max(tonumber(full) or 0, now), tonumber(strikes) or 0, tonumber(last) or 0
    if full + every - now <= every * burst then
        full = full + every
        redis.call('SET', key, string.format('%.0f %d %.0f', full, strikes, last), 'PX',
            strikes > 0 and 3600000 or math.max(full - now, 1))
        return nil, math.floor((every * burst - (full - now)) / every), full - now
    end
    -- A batch that is too long is one offence, and not one a line.
    if now - last >= 1000 then
        strikes, last = strikes + 1, now
        if strikes % STRIKES == 0 then
            full = now + every * burst + PAUSE * 2 ^ math.min(strikes / STRIKES - 1, 10)
        end
    end
    redis.call('SET', key, string.format('%.0f %d %.0f', full, strikes, last), 'PX', 3600000 + full - now)
    return full + every - now - every * burst
end
