-- caller: who asks, and what he may here.
-- ARGV: 1 user id, "" = anonymous; 2 token id or ""; 3 when the token was issued, s; 4 what it allows in this room,
-- letters of "rwm", and "a" for an admin.
local user, token, issued, rights = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

-- Who moderates by his token does so in each room that it names; who owns a room stands above him in that one.
local MEMBER, MODERATOR, BY_TOKEN, OWNER, ADMIN = 1, 2, 3, 4, 5
local ranks = {member = MEMBER, moderator = MODERATOR, owner = OWNER}
local mode, slow, keep, age -- of the room, filled in by admit(): texts, nil = none, or as configured
local role -- of the caller in it
local rank = 0 -- of the caller: one of these

-- An error that C reads: "REFUSED code number".
local function refuse(code, number)
    return redis.error_reply('REFUSED ' .. code .. ' ' .. string.format('%.0f', number or 0))
end

-- Is this moment, as a hash keeps it, still to come? 0 is never over.
local function lasts(moment)
    return moment and (moment == '0' or tonumber(moment) > now)
end

-- Was the token taken back, or all that the user had up to a second?
local function is_revoked()
    if token ~= '' and redis.call('ZSCORE', site .. ':revoked', token) then
        return true
    end
    local before = user ~= '' and redis.call('ZSCORE', site .. ':before', user)
    return before and tonumber(issued) <= tonumber(before)
end

-- What the caller's messages and changes to messages are counted by: an address, or "" = himself in this room.
local function rate_key(address)
    return address ~= '' and site .. ':rate:' .. address or room .. ':rate:' .. user
end

-- A room's rules, "mode slow keep age", each "-" where it is as at first; in ms. A room that was dropped has the mode
-- "dropped" until it is one again, or "gone" when it was for members only.
local function unpack_rules(rules)
    if not rules then
        return
    end
    local function or_nil(text)
        return text ~= '-' and text or nil
    end
    local a, b, c, d = string.match(rules, '^(%S+) (%S+) (%S+) (%S+)$')
    return or_nil(a), or_nil(b), or_nil(c), or_nil(d)
end

-- May the caller do this: r, w or m? Returns the refusal, or nil.
local function admit(right)
    if is_revoked() then
        return refuse('revoked')
    end
    local rules, banned, muted
    if user == '' then
        rules = redis.call('HGET', room .. ':room', 'rules')
    else
        rules, role, banned, muted = unpack(redis.call('HMGET', room .. ':room', 'rules', 'role:' .. user,
            'ban:' .. user, 'mute:' .. user))
    end
    mode, slow, keep, age = unpack_rules(rules)
    if string.find(rights, 'a', 1, true) then
        rank = ADMIN
        return nil
    end
    rank = math.max(string.find(rights, 'm', 1, true) and BY_TOKEN or 0, ranks[role] or 0)
    if lasts(banned) and rank < BY_TOKEN then
        return refuse('banned', tonumber(banned))
    end
    if (mode == 'members' or (mode == 'gone' and right == 'r')) and rank == 0 then
        return refuse('hidden')
    end
    if right == 'r' then
        return nil
    end
    if lasts(muted) and rank < BY_TOKEN then
        return refuse('muted', tonumber(muted))
    end
    if right == 'm' and rank < MODERATOR then
        return refuse('forbidden')
    end
    if mode == 'moderated' and rank == 0 then
        return refuse('moderated')
    end
end
