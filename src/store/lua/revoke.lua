-- with: names caller emit revocation
-- Whether the caller's token still holds, and takes tokens back.
-- ARGV, after the caller: 5 what, then of
--   check: nothing. Returns 1, or refuses.
--   token: 6 its jti; 7 its end, ms; 8 the event for the audit or ""; 9 the folded name of a guest that leaves, or "".
--   user: 6 the user; 7 the event for the audit; 8 the folded name of a guest that leaves, or "".
--   kick: 6 the user, whose streams end; 7 the event for the audit.
--   renew: 6 jti of the new token; 7 its end, ms; 8 when it was issued, s; 9 the folded name of a guest, or "".
local what, whom = ARGV[5], ARGV[6]

if is_revoked() then
    return refuse('revoked')
end
if what == 'token' then
    revoke_token(whom, tonumber(ARGV[7]))
    free_name(ARGV[9], user)
    if ARGV[8] ~= '' then
        audit(ARGV[8])
    end
elseif what == 'user' then
    revoke_user(whom)
    free_name(ARGV[8], whom)
    audit(ARGV[7])
elseif what == 'kick' then
    control('kick ' .. whom)
    audit(ARGV[7])
elseif what == 'renew' then
    local key = site .. ':name:' .. ARGV[9]
    if ARGV[9] ~= '' and (redis.call('GET', key) or user) == user then
        redis.call('SET', key, user, 'PXAT', ARGV[7])
    end
    -- The words are parted by spaces; a token of the site's own may have one in its jti, and renews no streams then.
    if token ~= '' and not string.find(token, ' ', 1, true) then
        control('renew ' .. token .. ' ' .. ARGV[6] .. ' ' .. ARGV[7] .. ' ' .. ARGV[8])
    end
end
return 1
