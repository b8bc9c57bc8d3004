-- with: names caller
-- Lists who is what in a room. ARGV, after the caller: 5 "role", "ban" or "mute". Returns user, role or until when in ms
-- (0 = for ever), ...; those whose time is over are left out. Bans and mutes are for moderators.
local no = admit('r')
if no then
    return no
elseif ARGV[5] ~= 'role' and rank < MODERATOR then
    return refuse('forbidden')
end
local answer, all = {}, redis.call('HGETALL', room .. ':room')
for i = 1, #all, 2 do
    local what, other = string.match(all[i], '^(%a+):(.+)$')
    if what == ARGV[5] and (what == 'role' or lasts(all[i + 1])) then
        answer[#answer + 1], answer[#answer + 2] = other, all[i + 1]
    end
end
return answer
