-- caller: who asks, and what he may here.
-- ARGV: 1 user id, "" = anonymous; 2 token id or ""; 3 when the token was issued, s; 4 what it allows in this room,
-- letters of "rwm", and "a" for an admin.
local user, token, issued, rights = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local ranks = {member = 1, moderator = 2, owner = 3}
local mode, role, slow, keep, age, dropped -- of the room; filled in by admit()
local rank = 0 -- of the caller: that of his role, 4 for who moderates by his token, 5 for an admin

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

-- May the caller do this: r, w or m? Returns the refusal, or nil.
local function admit(right)
    if is_revoked() then
        return refuse('revoked')
    end
    local state = redis.call('HMGET', room .. ':room', 'mode', 'slow', 'keep', 'age', 'dropped',
        'role:' .. user, 'ban:' .. user, 'mute:' .. user)
    mode, slow, keep, age, dropped = state[1], state[2], state[3], state[4], state[5]
    role = user ~= '' and state[6]
    if string.find(rights, 'a', 1, true) then
        rank = 5
        return nil
    end
    rank = string.find(rights, 'm', 1, true) and 4 or ranks[role] or 0
    if user ~= '' and lasts(state[7]) then
        return refuse('banned', tonumber(state[7]))
    end
    if mode == 'members' and rank == 0 then
        return refuse('hidden')
    end
    if right == 'r' then
        return nil
    end
    if user ~= '' and lasts(state[8]) then
        return refuse('muted', tonumber(state[8]))
    end
    if right == 'm' and rank < 2 then
        return refuse('forbidden')
    end
    if mode == 'moderated' and rank == 0 then
        return refuse('moderated')
    end
end
