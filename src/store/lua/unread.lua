-- with: names caller emit
-- Tells what is unread in all rooms of the caller, whose inbox KEYS[1] belongs to. ARGV, after the caller: 5 so many rooms
-- at most. Returns {room, marker or "0-0", unread, newest id}, ...: the inbox, then by when the caller was last there.
local no = admit('r')
if no then
    return no
end
local mine, answer = site .. ':mine:' .. user, {}

local function look(other)
    local at = keys_of(other)
    local state = redis.call('HMGET', at .. ':room', 'rules', 'role:' .. user, 'ban:' .. user)
    if rank < ADMIN and ((unpack_rules(state[1]) == 'members' and not state[2]) or lasts(state[3])) then
        return
    end
    local id, number = marker(at, user)
    local last, total = newest(at)
    answer[#answer + 1] = {other, id, unread(at, number, total), last}
end

look(name)
for _, other in ipairs(redis.call('ZREVRANGE', mine, 0, ARGV[5] - 1)) do
    if other == name then
        -- It stands in front.
    elseif redis.call('EXISTS', keys_of(other) .. ':log') == 0 then
        redis.call('ZREM', mine, other)
    else
        look(other)
    end
end
return answer
