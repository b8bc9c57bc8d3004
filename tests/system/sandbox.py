"""What systemd does around earshotd by contrib/systemd/earshot.service, without systemd: argv is UNIT, SOCKET, UID,
then the program. Makes the socket, becomes the user without any privilege, puts the unit's system call filter around itself, and
becomes the program. What the filter does not allow kills the process, where the unit's says EPERM: a test sees a death."""
import errno, os, re, socket, subprocess, sys
import seccomp

PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
unit, path, uid, program = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]


def values(key):
    """What a key of the unit is set to, line by line."""
    return [line.split('=', 1)[1].strip() for line in open(unit) if re.match(key + '=', line)]


def read_sets():
    """systemd's sets of system calls: name -> members, of which some are sets."""
    sets, name = {}, None
    text = subprocess.run(['systemd-analyze', '--no-pager', 'syscall-filter'], capture_output=True, text=True, check=True).stdout
    for line in text.split('\n'):
        if line.startswith('@'):
            name = line.strip()
            sets[name] = []
        elif line.startswith('    ') and not line.strip().startswith('#') and name:
            sets[name].append(line.strip())
        elif not line.startswith(' '):
            name = None  # what follows belongs to no set
    return sets


sets = read_sets()


def calls(name):
    """The system calls of a name, sets taken apart."""
    return set().union(*(calls(member) for member in sets[name])) if name.startswith('@') else {name}


allowed = set()
for value in values('SystemCallFilter'):
    named = set().union(*(calls(name) for name in value.lstrip('~').split()))
    allowed = allowed - named if value.startswith('~') else allowed | named
assert {'read', 'sendmsg'} <= allowed and 'mount' not in allowed, allowed
# systemd allows these to every service: they start it.
allowed |= calls('@default') | {'execve'}

rules = seccomp.SyscallFilter(seccomp.KILL_PROCESS)


def add(action, call, *arguments):
    try:
        rules.add_rule(action, call, *arguments)
    except (RuntimeError, ValueError, OSError):
        pass  # a call of another machine


special = {'socket', 'mmap', 'mprotect', 'pkey_mprotect', 'shmat'}
for call in allowed - special:
    add(seccomp.ALLOW, call)
# RestrictAddressFamilies: others are refused, by the errno that systemd gives.
families = sorted(getattr(socket, name) for value in values('RestrictAddressFamilies') for name in value.split())
assert families, 'no RestrictAddressFamilies'
for family in range(0, 48):
    add(seccomp.ALLOW if family in families else seccomp.ERRNO(errno.EAFNOSUPPORT), 'socket', seccomp.Arg(0, seccomp.EQ, family))
# MemoryDenyWriteExecute
assert values('MemoryDenyWriteExecute') == ['yes']
both = PROT_WRITE | PROT_EXEC
for value in (0, PROT_WRITE, PROT_EXEC):
    add(seccomp.ALLOW, 'mmap', seccomp.Arg(2, seccomp.MASKED_EQ, both, value))
for call in ('mprotect', 'pkey_mprotect'):
    add(seccomp.ALLOW, call, seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))
add(seccomp.ALLOW, 'shmat', seccomp.Arg(2, seccomp.MASKED_EQ, SHM_EXEC, 0))

s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen(4096)
os.chmod(path, 0o666)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
if os.getuid() == 0 and uid != 0:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
os.umask(int(values('UMask')[0], 8))
rules.load()  # NoNewPrivileges, too
os.execv(program[0], program)
