-- limit: how much of something, and how often (the generic cell rate algorithm). A key holds: when it is as if nothing had
-- been taken; how many offences there were; until when a refusal told to wait, and when it did; when the last offence was;
-- when all this was written; ms. To come again before one was told to is an offence, once a second; an hour without one clears all.
local STRIKES = 10 -- offences before a pause
local PAUSE = 60000 -- ms; twice as long each time
local HOUR = 3600000
local TOGETHER = 50 -- ms

-- Takes one, where one comes back every `every` ms and `burst` may be taken at once. Returns how many ms to wait when
-- it may not; else nil, how many are left, and when all are back, ms. `mild`: there is no pause.
local function take(key, every, burst, mild)
    local full, strikes, told, since, struck, written =
        string.match(redis.call('GET', key) or '', '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
    -- Where the clock was set back, all that is written moves with it: else nobody could send until it is as late again.
    local back = math.max((tonumber(written) or 0) - now, 0)
    full, told = math.max((tonumber(full) or 0) - back, now), (tonumber(told) or 0) - back
    since, struck = (tonumber(since) or 0) - back, (tonumber(struck) or 0) - back
    strikes = now - struck < HOUR and tonumber(strikes) or 0

    local function keep_for(ms)
        redis.call('SET', key, string.format('%.0f %d %.0f %.0f %.0f %.0f', full, strikes, math.max(told, 0),
            math.max(since, 0), math.max(struck, 0), now), 'PX', math.max(ms, 1))
    end

    if full + every - now <= every * burst then
        full = full + every
        keep_for(strikes > 0 and HOUR or full - now)
        return nil, math.floor((every * burst - (full - now)) / every), full - now
    end
    -- What comes with the first that is refused, as the other lines of a batch do, could not know.
    if now < told and now - since >= TOGETHER and now - struck >= 1000 and not mild then
        strikes, struck = strikes + 1, now
        if strikes % STRIKES == 0 then
            full = now + every * burst + PAUSE * 2 ^ math.min(strikes / STRIKES - 1, 10)
        end
    end
    local wait = full + every - now - every * burst
    if now >= told then
        told, since = now + math.ceil(wait / 1000) * 1000, now -- as Retry-After says it
    end
    keep_for(HOUR + full - now)
    return wait
end
