-- revocation: takes tokens back, and tells the hubs, which end the streams of whoever had them.
local function control(text)
    redis.call('PUBLISH', site .. ':control', text)
end

-- A token, which ends at `expiry`, ms. For a day longer, since clocks differ and jump: one that is an hour ahead must not
-- forget what holds again once it is set right.
local function revoke_token(id, expiry)
    redis.call('ZREMRANGEBYSCORE', site .. ':revoked', '-inf', string.format('%.0f', now - 86400000))
    redis.call('ZADD', site .. ':revoked', 'GT', string.format('%.0f', expiry), id)
    control('revoke token ' .. id)
end

-- All tokens of a user up to now. Returns the second up to which. Those that are issued after it, maybe within the same
-- second, say the next one (mint with iat = max(now, before + 1)): so where that is this second or later, it moves on.
local function revoke_user(whom)
    local second = math.floor(now / 1000)
    local before = tonumber(redis.call('ZSCORE', site .. ':before', whom) or '-1')
    if before >= second then
        second = before + 1
    end
    redis.call('ZADD', site .. ':before', string.format('%.0f', second), whom)
    control(string.format('revoke user %s %.0f', whom, second))
    return second
end

-- A guest's name is nobody's again.
local function free_name(folded, whom)
    local key = site .. ':name:' .. folded
    if folded ~= '' and redis.call('GET', key) == whom then
        redis.call('DEL', key)
    end
end
