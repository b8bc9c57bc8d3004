-- with: names caller emit
-- Asks all hubs something, on an admin's behalf. ARGV, after the caller: 5 the question; 6 an event for the audit, or "".
-- Returns how many hubs hear it.
if is_revoked() then
    return refuse('revoked')
end
if ARGV[6] ~= '' then
    audit(ARGV[6])
end
return redis.call('PUBLISH', 'earshot:hubs', ARGV[5])
