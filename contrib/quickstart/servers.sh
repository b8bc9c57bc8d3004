# servers.sh - the web servers that ./quickstart can run, for it to source. Of each: the packages that it needs, its site,
# which is its example configuration with the marked lines changed, and its start.
# shellcheck shell=bash disable=SC2154

SERVERS="nginx apache apache-fcgid apache-cgi lighttpd caddy"

server_needs() {
    case $1 in
    nginx) echo cmd:nginx=nginx ;;
    apache | apache-cgi) echo cmd:apache2=apache2-bin ;;
    apache-fcgid) echo cmd:apache2=apache2-bin file:/usr/lib/apache2/modules/mod_fcgid.so=libapache2-mod-fcgid ;;
    lighttpd) echo cmd:lighttpd=lighttpd ;;
    caddy) echo cmd:caddy=caddy ;;
    esac
}

# Those for which the web server itself starts earshot, a process a request.
server_is_direct() {
    case $1 in apache-fcgid | apache-cgi) ;; *) return 1 ;; esac
}

# change FILE FROM TO [FROM TO]...: FILE with texts replaced, which must all be there.
change() {
    local file=$1 text
    text=$(cat "$root/$file") || return 1
    shift
    while [ $# -gt 0 ]; do
        case $text in *"$1"*) ;; *) fail "$file no longer has the line that quickstart changes: $1" ;; esac
        text=${text//"$1"/"$2"}
        shift 2
    done
    printf '%s\n' "$text"
}

# The page's files, where the service user may read them: in the tree, or as copies beside the site.
choose_www() {
    www=$root/www
    (as_service test -r "$www/vendor/emoji.json") 2>/dev/null && return
    www=$site_dir/www
    copy_www "$www"
}
copy_www() {
    rm -rf "$1"
    mkdir -p "$1" && (cd "$root/www" && tar -c --exclude=./node_modules .) | tar -x -C "$1" || fail "cannot copy the page to $1"
}

# Everything that a program of the web server's own needs, in one directory, as one copies it to a host: the program, its
# configuration, and (for plain CGI) the page around them.
# direct_program FILE
direct_program() {
    cp "$root/build/earshotd" "$1" || fail "cannot write $1"
    (
        umask 077
        grep -v '^ *redis *=' "$dir/earshot.conf" >"${1%/*}/.htearshot.conf" &&
            echo "redis = unix://$sockets/redis.sock" >>"${1%/*}/.htearshot.conf"
    ) || fail "cannot write to ${1%/*}"
    [ -z "$service_user" ] || chown "$service_user" "${1%/*}/.htearshot.conf"
}

# Writes $site. nginx has its own base configuration, which knows no environment; see contrib/quickstart for the others'.
write_site() {
    site=$site_dir/$server-site.conf
    www=
    [ "$server" = apache-cgi ] || choose_www
    "site_${server//-/_}" >"$site" || fail "cannot write $site"
}

site_nginx() {
    change nginx-example.conf \
        "unix:/run/earshot/earshot.sock;" "unix:$sockets/earshot.sock;" \
        "    listen 80;" "    listen 127.0.0.1:$port;" \
        "server_name chat.example.org;" "server_name localhost;" \
        "/usr/local/share/earshot/www/;" "\"$www/\";"
}
site_apache() {
    change contrib/apache-example.conf \
        "/run/earshot/earshot.sock" "$sockets/earshot.sock" \
        "/usr/local/share/earshot/www" "$www" \
        "<VirtualHost *:80>" "<VirtualHost 127.0.0.1:$port>" \
        "ServerName chat.example.org" "ServerName localhost"
}
site_apache_fcgid() {
    mkdir -p "$site_dir/program"
    direct_program "$site_dir/program/earshot.fcgi"
    change contrib/apache-fcgid-example.conf \
        "/usr/local/lib/earshot/earshot.fcgi" "$site_dir/program/earshot.fcgi" \
        "/usr/local/share/earshot/www" "$www" \
        "<VirtualHost *:80>" "<VirtualHost 127.0.0.1:$port>" \
        "ServerName chat.example.org" "ServerName localhost"
}
site_apache_cgi() {
    copy_www "$site_dir/site/chat"
    direct_program "$site_dir/site/chat/earshot.cgi"
    cp "$root/contrib/htaccess-example" "$site_dir/site/chat/.htaccess"
    change contrib/apache-cgi-example.conf \
        "/var/www/html" "$site_dir/site" \
        "<VirtualHost *:80>" "<VirtualHost 127.0.0.1:$port>" \
        "ServerName chat.example.org" "ServerName localhost"
}
site_lighttpd() {
    change contrib/lighttpd-example.conf \
        '"/run/earshot/earshot.sock"' "\"$sockets/earshot.sock\"" \
        'chat\.example\.org' '(localhost|127\.0\.0\.1)' \
        "/usr/local/share/earshot/www/" "$www/"
}
site_caddy() {
    cp "$root/contrib/quickstart/Caddyfile" "$site_dir/Caddyfile"
    change contrib/Caddyfile-example \
        "unix//run/earshot/earshot.sock" "unix/$sockets/earshot.sock" \
        "http://chat.example.org {" "http://localhost:$port, http://127.0.0.1:$port {" \
        "/usr/local/share/earshot/www" "$www"
}

start_server() {
    export SITE_CONF=$site SITE_PORT=$port SITE_DIR=$site_dir SITE_SOCKETS=$sockets
    export SITE_USER=${service_user:-$(id -un)} SITE_GROUP=${service_user:-$(id -gn)}
    case $server in
    nginx) start_nginx ;;
    apache*) start "$server" apache2 -DFOREGROUND -D "${server#apache-}" -f "$root/contrib/quickstart/apache.conf" ;;
    lighttpd)
        mkdir -p "$site_dir/none"
        start lighttpd lighttpd -D -f "$root/contrib/quickstart/lighttpd.conf"
        ;;
    caddy) start caddy "${as_service[@]}" env HOME="$sockets" caddy run --adapter caddyfile --config "$site_dir/Caddyfile" ;;
    esac
}

start_nginx() {
    mkdir -p "$dir/tmp"
    cat >"$dir/nginx.conf" <<END
# nginx.conf - made by quickstart at each start.
${service_user:+user $service_user;}
worker_processes 2;
pid pids/nginx-master.pid;
error_log stderr warn;
daemon off;
worker_shutdown_timeout 3s;
worker_rlimit_nofile $(ulimit -Hn | sed 's/unlimited/65536/');
events { worker_connections 8192; }
http {
    access_log off;
    server_tokens off;
    client_body_temp_path tmp/body;
    fastcgi_temp_path tmp/fastcgi;
    proxy_temp_path tmp/proxy;
    scgi_temp_path tmp/scgi;
    uwsgi_temp_path tmp/uwsgi;
    include $site;
}
END
    start nginx nginx -p "$dir/" -c "$dir/nginx.conf" -e stderr
}
