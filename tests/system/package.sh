# package.sh - the life of the Debian package $1, in a root of its own (in-a-root.sh): prints `name: value` for the test.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
conf=/etc/earshot/earshot.conf secret=/etc/earshot/jwt_secret api=http://127.0.0.1/chat/v1

tell() { printf '%s: %s\n' "$1" "$2"; }
# Nothing is booted here, so nothing may be started; man's index is of no interest.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
dpkg --purge earshot >/dev/null 2>&1 || :
! getent passwd earshot >/dev/null || userdel earshot
rm -rf /etc/earshot
install_it() { dpkg --no-triggers --force-depends -i "$1" >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }; }

install_it "$1"
tell user "$(getent passwd earshot | cut -d: -f6,7)"
tell modes "$(stat -c '%a %U:%G' $conf $secret | tr '\n' ' ')"
tell secret "$(wc -c <$secret)"
tell enabled "$(cd /etc/systemd/system && find . -name 'earshot*' -type l | sort | tr '\n' ' ')"
before=$(sha256sum $secret)

# As vps.md says: Redis as Debian configures it, nginx with the example, the daemon by its units.
redis-server --save '' --daemonize yes >/dev/null
rm -rf /etc/nginx/sites-enabled /etc/nginx/conf.d
mkdir -p /etc/nginx/sites-enabled /etc/nginx/conf.d
cp /usr/share/doc/earshot/nginx-example.conf /etc/nginx/sites-enabled/earshot
systemd-tmpfiles --create earshot.conf
sed -i 's/^#anonymous =/anonymous = *=rw\n&/' $conf
setpriv --reuid earshot --regid earshot --init-groups /usr/sbin/earshotd --check-config
/usr/bin/python3 - <<'PYTHON' >/var/log/earshotd.log 2>&1 &
import grp, os, pwd, socket
s = socket.socket(socket.AF_UNIX); s.bind('/run/earshot/earshot.sock'); s.listen(4096)
user = pwd.getpwnam('earshot')
os.chown('/run/earshot/earshot.sock', user.pw_uid, grp.getgrnam('www-data').gr_gid); os.chmod('/run/earshot/earshot.sock', 0o660)
os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
os.execv('/usr/sbin/earshotd', ['/usr/sbin/earshotd', '--config', '/etc/earshot/earshot.conf'])
PYTHON
daemon=$!
nginx -t 2>/dev/null && nginx
for try in $(seq 100); do curl -fs -m 2 $api/readyz >/dev/null && break; sleep 0.2; done
tell readyz "$(curl -s -o /dev/null -w '%{http_code}' "$api/readyz?deep=1")"
curl -fs -d 'from the package' -o /dev/null $api/rooms/lobby/messages
tell heard "$(curl -fs "$api/rooms/lobby/events?as=text&since=all&count=1")"
tell page "$(curl -fs -o /dev/null -w '%{http_code} %{content_type}' http://127.0.0.1/chat/)"
tell vendor "$(curl -fs -o /dev/null -w '%{http_code}' http://127.0.0.1/chat/vendor/emoji.json)"
tell token "$(earshot token --user root --role admin | tr -cd . | wc -c)"
EARSHOT_URL=$api earshot send lobby 'by the command'
kill $daemon && wait $daemon && tell stopped yes

rm /etc/nginx/sites-enabled/earshot

# Again: what was changed stays, the secret too.
install_it "$1"
tell again "$(grep -c '^anonymous = \*=rw' $conf) $(stat -c '%a %U:%G' $conf) $([ "$before" = "$(sha256sum $secret)" ] && echo same)"
dpkg --no-triggers -r earshot >/dev/null 2>&1
tell removed "$(test -e /usr/sbin/earshotd || echo yes) $(ls /etc/earshot | tr '\n' ' ')"
dpkg --no-triggers -P earshot >/tmp/dpkg.log 2>&1 || cat /tmp/dpkg.log
tell purged "$(find / -xdev \( -path /tmp -o -path /proc -o -path /work -o -path /root -o -path /home \) -prune -o -name 'earshot*' -newer /in-a-root -print 2>/dev/null | grep -v '^/var/\(log\|lib/redis\)' | tr '\n' ' ')"
tell user-gone "$(getent passwd earshot || echo yes)"
