-- limit: how much of something, and how often (the generic cell rate algorithm). A key holds: when it is as if nothing had
-- been taken; how many offences there were; until when the last refusal told to wait; when the last offence was; ms. To
-- come again before one was told to is an offence, once a second; an hour without one clears all.
local STRIKES = 10 -- offences before a pause
local PAUSE = 60000 -- ms; twice as long each time
local HOUR = 3600000

-- Takes one, where one comes back every `every` ms and `burst` may be taken at once. Returns how many ms to wait when
-- it may not; else nil, how many are left, and when all are back, ms. `mild`: there is no pause.
local function take(key, every, burst, mild)
    local full, strikes, told, struck = string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+) (%d+)$')
    full, told, struck = math.max(tonumber(full) or 0, now), tonumber(told) or 0, tonumber(struck) or 0
    strikes = now - struck < HOUR and tonumber(strikes) or 0

    local function keep_for(ms)
        redis.call('SET', key, string.format('%.0f %d %.0f %.0f', full, strikes, told, struck), 'PX', math.max(ms, 1))
    end

    if full + every - now <= every * burst then
        full = full + every
        keep_for(strikes > 0 and HOUR or full - now)
        return nil, math.floor((every * burst - (full - now)) / every), full - now
    end
    if now < told and now - struck >= 1000 and not mild then
        strikes, struck = strikes + 1, now
        if strikes % STRIKES == 0 then
            full = now + every * burst + PAUSE * 2 ^ math.min(strikes / STRIKES - 1, 10)
        end
    end
    local wait = full + every - now - every * burst
    told = now + wait
    keep_for(HOUR + full - now)
    return wait
end
