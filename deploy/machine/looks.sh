# Sourced by walk.sh: whether a machine is as install.sh shall have left it. Each look prints
# what is wrong, and nothing if all is well.

home=/srv/webchat

# look TARGET
look() {
    case $1 in
    *+people)
        look "${1%+people}"
        look_at_people
        return
        ;;
    resumed)
        look takeover
        return
        ;;
    none) look_at_service && look_at_port && look_at_nothing_lent ;;
    own)
        look_at_service && look_at_socket && look_at_site https://chat.example.com && look_at_redirect
        look_at_lent https://chat.example.com
        ;;
    beside)
        look_at_service && look_at_socket && look_at_site https://www.example.com/chat
        look_at_lent https://www.example.com/chat
        ;;
    plain)
        look_at_service && look_at_socket && look_at_site http://192.168.1.100 && look_at_plain
        look_at_lent http://192.168.1.100
        ;;
    takeover) look_at_service && look_at_port && look_at_site https://www.example.com/chat && look_at_people ;;
    adopted) look_at_service && look_at_port && look_at_people && look_at_adopted ;;
    earlier) look_at_earlier ;;
    both) look_at_both ;;
    undo | refused | hup | pipe) look_at_flask ;;
    # nginx at the port where the chat was, or the other way round.
    shared) look_at_service && look_at_site http://192.168.1.100:8000 && look_at_plain ;;
    uninstall) look_at_nothing && look_at_nothing_lent ;;
    esac
    look_at_leftovers "$1"
    look_at_blog
}

complain() {
    printf ' [%s]' "$*"
}

page() {
    curl --silent --insecure --max-time 10 "$@"
}

is_chat() {
    page "$1/healthz" | grep -q '"status": "ok"'
}

look_at_service() {
    systemctl is-active --quiet webchat.service || complain "webchat.service is not active"
    systemctl is-enabled --quiet webchat.service || complain "webchat.service is not enabled"
    systemctl is-active --quiet webchat-nightly.timer || complain "the timer is not active"
    [ "$(systemctl show -P NextElapseUSecRealtime webchat-nightly.timer)" != "" ] || complain "the timer is not armed"
    systemctl show -P TimersCalendar webchat-nightly.timer | grep -q "$(zone)" || complain "the timer is not in $(zone)"
}

zone() {
    sed -n 's/^TIME_ZONE=//p' $home/.env | grep . || echo Asia/Shanghai
}

port() {
    sed -n 's/^PORT=//p' $home/.env | grep . || echo 8000
}

# look_at_site URL: the chat answers there, by its page and by a static file of it.
look_at_site() {
    is_chat "$1" || complain "no chat at $1"
    sheet=$(page "$1/login/" | grep -o 'href="[^"]*\.css"' | head -n 1 | cut -d'"' -f2)
    origin=$(echo "$1" | cut -d/ -f1-3)
    kind=$(page --output /dev/null --write-out '%{http_code} %{content_type}' "$origin$sheet") || true
    [ "$kind" = "200 text/css" ] || [ "$kind" = '200 text/css; charset="utf-8"' ] || complain "the static file $origin$sheet: $kind"
}

look_at_port() {
    look_at_site "http://127.0.0.1:$(port)"
    where=$(ss -Hltn "sport = :$(port)" | awk '{print $4}')
    wanted=0.0.0.0:$(port)
    ! grep -q '^BEHIND_PROXY=on' $home/.env || wanted=127.0.0.1:$(port)
    [ "$where" = "$wanted" ] || complain "it listens on $where, not on $wanted"
    ! systemctl is-active --quiet webchat.socket || complain "webchat.socket is active"
    [ ! -e /run/webchat.sock ] || complain "/run/webchat.sock is left"
    [ ! -e /etc/systemd/system/sockets.target.wants/webchat.socket ] || complain "webchat.socket is enabled"
}

look_at_socket() {
    systemctl is-active --quiet webchat.socket || complain "webchat.socket is not active"
    systemctl is-enabled --quiet webchat.socket || complain "webchat.socket is not enabled"
    [ -z "$(ss -Hltn "sport = :$(port)")" ] || complain "something listens on $(port)"
    grep -q '^BEHIND_PROXY=on' $home/.env || complain "BEHIND_PROXY is not on"
}

# nginx sends files: it reads them, and of the data nothing else.
look_at_lent() {
    grep -q '^NGINX_SENDS_FILES=on' $home/.env || complain "NGINX_SENDS_FILES is not on"
    as_nginx test -r /var/lib/webchat/attachments || complain "nginx cannot read attachments/"
    for each in . db.sqlite3 uploads backups; do
        ! as_nginx test -r "/var/lib/webchat/$each" || complain "nginx can read $each of the data"
    done
    ! as_nginx test -r $home/.env || complain "nginx can read .env"
    ! as_nginx test -w /var/lib/webchat/attachments || complain "nginx can write attachments/"
    [ "$(page --output /dev/null --write-out '%{http_code}' "$1/~files/attachments/x")" = 404 ] ||
        complain "the place of the files is open"
}

look_at_nothing_lent() {
    ! grep -q '^NGINX_SENDS_FILES=on' $home/.env 2>/dev/null || complain "NGINX_SENDS_FILES is on"
    ! as_nginx test -x /var/lib/webchat || complain "nginx gets into the data"
    ! id -nG www-data | grep -qw webchat || complain "nginx is in the group"
}

as_nginx() {
    runuser -u www-data -- "$@"
}

look_at_redirect() {
    [ "$(page --output /dev/null --write-out '%{http_code}' http://chat.example.com/x)" = 308 ] || complain "http is not redirected"
    page --head https://chat.example.com/login/ | grep -qi '^strict-transport' || complain "no HSTS"
}

look_at_plain() {
    ! page --head http://192.168.1.100/login/ | grep -qi '^strict-transport' || complain "HSTS by http"
    ! grep -q ssl /etc/nginx/sites-available/webchat.conf || complain "TLS by http"
}

# What belongs to another target.
look_at_leftovers() {
    case $1 in
    own | plain | shared) ;;
    *) [ ! -L /etc/nginx/sites-enabled/webchat.conf ] || complain "a site of its own is enabled" ;;
    esac
    case $1 in
    none | uninstall)
        [ ! -e /etc/nginx/conf.d/webchat.conf ] || is_theirs || complain "conf.d/webchat.conf is left"
        [ ! -e /etc/nginx/snippets/webchat-proxy.conf ] || complain "webchat-proxy.conf is left"
        ;;
    esac
    case $1 in
    beside | takeover) ;;
    *) ! is_chat https://www.example.com/chat || complain "the chat is still below /chat" ;;
    esac
    [ "$1" = own ] || ! is_chat https://chat.example.com || complain "the chat is still at chat.example.com"
    [ -z "$(ls -d $home/from.* 2>/dev/null)" ] || complain "the copy of the old data is left"
}

look_at_nothing() {
    for each in webchat.service webchat.socket webchat-nightly.service webchat-nightly.timer; do
        [ ! -e "/etc/systemd/system/$each" ] || grep -q "The old program" "/etc/systemd/system/$each" || complain "$each is left"
    done
    [ -z "$(ss -Hltn "sport = :8000")" ] || complain "something listens on 8000"
    [ ! -e /run/webchat.sock ] || complain "/run/webchat.sock is left"
}

is_theirs() {
    grep -qs theirs /etc/nginx/conf.d/webchat.conf
}

look_at_blog() {
    [ ! -e /run/theirs ] || [ "$(page http://127.0.0.1:8081/)" = theirs ] || complain "their webchat.conf is gone"
    nginx -q -t || complain "nginx -t fails"
    [ "$(page https://www.example.com/)" = "the blog" ] || complain "the blog is gone"
}

look_at_people() {
    found=$(python3 -c 'import sqlite3; print(*[row[0] for row in sqlite3.connect("/var/lib/webchat/db.sqlite3").execute(
        "SELECT username FROM accounts_user ORDER BY 1")])')
    case $found in
    *alice*bob*) ;;
    *) complain "the old accounts are not there: $found" ;;
    esac
    [ -z "$(find /var/lib/webchat ! -user webchat)" ] || complain "something in the data is not the service's"
    [ -e /etc/systemd/system/webchat-old.service ] || complain "the old unit is not kept"
}

# soon COMMAND …: systemd does not know when a program has come so far as to listen.
soon() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        ! "$@" || return 0
        sleep 1
    done
    return 1
}

is_flask() {
    [ "$(page https://www.example.com/chat/)" = "the old program" ]
}

look_at_flask() {
    soon is_flask || complain "the old program does not serve"
    look_at_old_unit
}

look_at_both() {
    soon is_flask || complain "the old program does not serve"
    systemctl is-active --quiet talk.service || complain "talk.service is not active"
    systemctl is-enabled --quiet talk.service || complain "talk.service is not enabled"
    look_at_service && look_at_port
}

look_at_earlier() {
    soon is_chat http://127.0.0.1:8000 || complain "the earlier webchat does not serve"
    look_at_old_unit
}

look_at_adopted() {
    [ "$(port)" = 8000 ] || complain "another port: $(port)"
    grep -q '^SECRET_KEY=earlier' $home/.env || complain "another SECRET_KEY"
    grep -q '^REGISTRATION=closed' $home/.env || complain "REGISTRATION is lost"
    grep -q '^MAIL_MODE=console' $home/.env || complain "the mail is lost"
}

look_at_old_unit() {
    [ ! -e /root/webchat/webchat.service ] || [ -L /etc/systemd/system/webchat.service ] || complain "the link to the unit is gone"
    grep -q "The old program" /etc/systemd/system/webchat.service || complain "webchat.service is another one"
    systemctl is-active --quiet webchat.service || complain "the unit of the old program is not active"
    systemctl is-enabled --quiet webchat.service || complain "the unit of the old program is not enabled"
    [ ! -e /etc/systemd/system/webchat-old.service ] || complain "webchat-old.service is left"
}
