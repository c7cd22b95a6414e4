#!/bin/sh
# 安装为系统服务：sudo sh deploy/install.sh [选项]（--help 看说明）
# Installs the chat as a service of systemd behind nginx. May be run again: it changes what differs.
set -eu
umask 022
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh
. deploy/release.sh
unset DJANGO_SETTINGS_MODULE

usage() {
    cat <<'EOF'
sudo sh deploy/install.sh [选项 / options]

  --site-url URL      网址 / the address people type: https://www.example.com/chat
  --data-dir DIR      数据目录 / the folder of the data (/var/lib/webchat)
  --mail off|qq       邮件 / mail; qq asks for QQ_EMAIL and QQ_MAIL_PASSWORD, or takes them
                      from the environment
  --nginx own|beside|none
                      own: 独立站点 / a site of its own, with TLS
                      beside: 与已有网站同用一个域名 / locations for a server block that is there
                      none: 不动 nginx / nginx is left alone, the chat listens on PORT
  --certificate FILE --key FILE
                      own 用的证书 / the certificate of the site; else that of Let's Encrypt
  --dry-run           只打印 / print what would be done
  --uninstall         卸载，保留数据 / remove everything but the data and .env

sudo sh deploy/install.sh --site-url https://chat.example.com --nginx own
EOF
}

site_url=
data_dir=
mail=
nginx=
certificate=
key=
dry=
uninstall=
while [ $# -gt 0 ]; do
    case $1 in
    --site-url | --data-dir | --mail | --nginx | --certificate | --key)
        [ $# -gt 1 ] || fail "$1 缺少值。" "$1 needs a value."
        name=$(echo "${1#--}" | tr - _)
        eval "$name=\$2; given_$name=yes"
        shift
        ;;
    --dry-run) dry=yes ;;
    --uninstall) uninstall=yes ;;
    --help | -h)
        usage
        exit
        ;;
    *)
        usage >&2
        fail "不认识的选项：$1" "Unknown option: $1"
        ;;
    esac
    shift
done

# Nobody can know its name beforehand, so nobody else can choose what root writes there.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# Each step goes through here, so that --dry-run prints what would be done.
run() {
    if [ -n "$dry" ]; then
        echo "+ $*"
    else
        "$@"
    fi
}

has_systemd() {
    [ -d /run/systemd/system ]
}

[ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || fail "请用 sudo 运行。" "Run it with sudo."

env_value() {
    sed -n "s/^$1=//p" "$home/.env" 2>/dev/null | tail -n 1
}

# set_env NAME VALUE: in place of the line of that name, or at the end; nothing else is touched.
set_env() {
    [ "$(env_value "$1")" != "$2" ] || return 0
    if [ -n "$dry" ]; then
        echo "+ $home/.env: $1=…"
        return
    fi
    (
        umask 077
        { grep -av "^$1=" "$home/.env" || true; echo "$1=$2"; } >"$home/.env.new"
    )
    chown --reference="$home/.env" "$home/.env.new"
    mv "$home/.env.new" "$home/.env"
}

# ask VARIABLE QUESTION DEFAULT: only on a terminal, and only what no option has said.
ask() {
    eval "value=\$$1"
    if [ -z "$value" ] && [ -t 0 ] && [ -z "$dry" ]; then
        printf '%s [%s]: ' "$2" "$3"
        read -r value
    fi
    eval "$1=\${value:-\$3}"
}

remove_service() {
    if has_systemd; then
        run systemctl disable --now webchat-nightly.timer webchat.service webchat.socket || true
    fi
    for each in /etc/systemd/system/webchat.service /etc/systemd/system/webchat.socket \
        /etc/systemd/system/webchat-nightly.service /etc/systemd/system/webchat-nightly.timer \
        /etc/nginx/conf.d/webchat.conf /etc/nginx/snippets/webchat.conf \
        /etc/nginx/snippets/webchat-proxy.conf /etc/nginx/sites-enabled/webchat.conf \
        /etc/nginx/sites-available/webchat.conf; do
        [ ! -e "$each" ] && [ ! -L "$each" ] || run rm -f "$each"
    done
    run rm -rf "$home/releases" "$home/static" "$home/current" "$home/previous"
    ! has_systemd || run systemctl daemon-reload
    say "已卸载。数据与设置仍在 / Removed; data and settings are still in: ${data_dir:-/var/lib/webchat}, $home/.env"
    say "若 nginx 里有 include snippets/webchat.conf; 请删去 / Take that line out of nginx, if it is there."
}

make_user_and_folders() {
    if ! id webchat >/dev/null 2>&1; then
        run useradd --system --user-group --home-dir "$data_dir" --shell /usr/sbin/nologin webchat
    fi
    run mkdir -p "$home/releases" "$home/static" "$data_dir"
    run chown webchat:webchat "$data_dir"
    run chmod 0700 "$data_dir"
}

write_env() {
    if [ ! -e "$home/.env" ]; then
        if [ -n "$dry" ]; then
            echo "+ $home/.env (0600)"
        else
            (umask 077 && : >"$home/.env")
            chown webchat:webchat "$home/.env"
        fi
    fi
    [ -n "$(env_value SECRET_KEY)" ] ||
        set_env SECRET_KEY "$(od -An -N48 -tx1 /dev/urandom | tr -d ' \n')"
    set_env SITE_URL "$site_url"
    set_env DATA_DIR "$data_dir"
    if [ "$nginx" = none ]; then
        set_env BEHIND_PROXY off
    else
        set_env BEHIND_PROXY on
    fi
    set_env MAIL_MODE "$mail"
    if [ "$mail" = qq ]; then
        set_env QQ_EMAIL "$qq_email"
        set_env QQ_MAIL_PASSWORD "$qq_mail_password"
    fi
}

ask_for_mail() {
    [ "$mail" = qq ] || return 0
    qq_email=${QQ_EMAIL:-$(env_value QQ_EMAIL)}
    qq_mail_password=${QQ_MAIL_PASSWORD:-$(env_value QQ_MAIL_PASSWORD)}
    ask qq_email "QQ 邮箱地址 / QQ mail address" ""
    [ -n "$qq_mail_password" ] || [ ! -t 0 ] || stty -echo
    ask qq_mail_password "授权码（不显示）/ Authorisation code (not shown)" ""
    [ ! -t 0 ] || stty echo
    if [ -z "$qq_email" ] || [ -z "$qq_mail_password" ]; then
        fail "--mail qq 需要 QQ_EMAIL 和 QQ_MAIL_PASSWORD。" "--mail qq needs QQ_EMAIL and QQ_MAIL_PASSWORD."
    fi
}

# write FILE: replace it by the input, if that differs.
write() {
    cat >"$scratch/new"
    ! cmp -s "$scratch/new" "$1" || return 0
    if [ -n "$dry" ]; then
        echo "+ $1"
    else
        mkdir -p "$(dirname "$1")"
        cat "$scratch/new" >"$1"
    fi
}

install_units() {
    for each in webchat.service webchat.socket webchat-nightly.service webchat-nightly.timer; do
        if [ "$nginx" = none ] && [ "$each" = webchat.socket ]; then
            continue
        fi
        sed -e "s|/srv/webchat|$home|g" "deploy/systemd/$each" | place_data | without_socket |
            write "/etc/systemd/system/$each"
    done
}

# The --nginx of an earlier run.
nginx_before() {
    if [ -e /etc/nginx/sites-available/webchat.conf ]; then
        echo own
    elif [ -e /etc/nginx/snippets/webchat.conf ]; then
        echo beside
    elif [ -e /etc/systemd/system/webchat.service ]; then
        echo none
    fi
}

# The folder of the data, where it is not the one that systemd makes.
place_data() {
    if [ "$data_dir" = /var/lib/webchat ]; then
        cat
    else
        sed -e "s|^StateDirectory=.*|ReadWritePaths=$data_dir|" -e '/^StateDirectoryMode=/d'
    fi
}

without_socket() {
    if [ "$nginx" = none ]; then
        sed -e '/^Requires=webchat.socket$/d' -e 's/ webchat.socket$//'
    else
        cat
    fi
}

# The locations, for a prefix or for a whole site.
locations() {
    if [ -n "$prefix" ]; then
        sed -e "s|/chat\([ /]\)|$prefix\1|" deploy/nginx/locations.conf
    else
        sed -e '/^location = \/chat {/,/^}/d' -e 's|/chat/|/|' deploy/nginx/locations.conf
    fi | sed -e "s|/srv/webchat|$home|"
}

install_nginx() {
    [ "$nginx" != none ] || return 0
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || [ -n "$dry" ] || fail \
        "没有 nginx：sudo apt install nginx" "nginx is missing: sudo apt install nginx"
    write /etc/nginx/conf.d/webchat.conf <deploy/nginx/http.conf
    write /etc/nginx/snippets/webchat-proxy.conf <deploy/nginx/proxy.conf
    locations | write /etc/nginx/snippets/webchat.conf
    if [ "$nginx" = own ]; then
        install_site
    fi
    [ -n "$dry" ] || nginx -t
    ! has_systemd || run systemctl reload-or-restart nginx
}

install_site() {
    certificate=${certificate:-/etc/letsencrypt/live/$host/fullchain.pem}
    key=${key:-/etc/letsencrypt/live/$host/privkey.pem}
    if [ ! -e "$certificate" ]; then
        say "还没有证书，先用自签名的 / No certificate yet: a self-signed one for now"
        certificate=/etc/nginx/webchat-self-signed.pem
        key=/etc/nginx/webchat-self-signed.key
        [ -e "$certificate" ] || run openssl req -x509 -newkey rsa:2048 -nodes -days 365 \
            -subj "/CN=$host" -keyout "$key" -out "$certificate" 2>/dev/null
        echo "   sudo certbot certonly --webroot -w /var/www/html -d $host" \
            "&& sudo sh deploy/install.sh --nginx own"
    fi
    sed -e "s|/etc/letsencrypt/live/chat.example.com/fullchain.pem|$certificate|" \
        -e "s|/etc/letsencrypt/live/chat.example.com/privkey.pem|$key|" \
        -e "s|chat.example.com|$host|" deploy/nginx/site.conf |
        write /etc/nginx/sites-available/webchat.conf
    run ln -sfn ../sites-available/webchat.conf /etc/nginx/sites-enabled/webchat.conf
}

start_service() {
    if ! has_systemd; then
        say "这里没有运行 systemd：装好了，没有启动 / No systemd runs here: installed, not started"
        return
    fi
    run systemctl daemon-reload
    if [ "$nginx" = none ]; then
        run systemctl enable webchat.service webchat-nightly.timer
    else
        run systemctl enable --now webchat.socket
        run systemctl enable webchat.service webchat-nightly.timer
    fi
    run systemctl start webchat-nightly.timer
    run systemctl restart webchat.service
}

if [ -n "$uninstall" ]; then
    data_dir=${data_dir:-$(env_value DATA_DIR)}
    remove_service
    exit
fi

# An empty address that was given means the LAN.
[ -n "${given_site_url:-}" ] || site_url=$(env_value SITE_URL)
data_dir=${data_dir:-$(env_value DATA_DIR)}
mail=${mail:-$(env_value MAIL_MODE)}
[ -n "${given_site_url:-}" ] || ask site_url "网址，例如 https://www.example.com/chat（局域网可留空）/ Address (empty on a LAN)" ""
ask data_dir "数据目录 / Folder of the data" /var/lib/webchat
ask mail "邮件 off 或 qq / Mail: off or qq" off
nginx=${nginx:-$(nginx_before)}
ask nginx "nginx：own（独立站点）、beside（已有网站）、none" "$([ -n "$site_url" ] && echo own || echo none)"

case $nginx in
own | beside | none) ;;
*) fail "--nginx 只能是 own、beside 或 none。" "--nginx is own, beside or none." ;;
esac
case $site_url in
*[[:space:]\'\"\|\&]*) fail "网址无效：$site_url" "This is no address: $site_url" ;;
esac
case $data_dir/ in
"$home/" | "$home/static/"* | "$home/releases/"* | "$home/current/"*)
    fail "数据目录要另选：$data_dir 不能对他人关闭。" \
        "The folder of the data must be another one: $data_dir cannot be closed to others."
    ;;
esac
case $data_dir in
# In a unit of systemd, and on the way there through sed, these mean something.
/*[[:space:]\|\&%\\\"\']*)
    fail "数据目录不能含空格、引号、| & % \\。" \
        "The folder of the data may not hold spaces, quotation marks, |, &, % or \\."
    ;;
/?*) ;;
*) fail "数据目录要写绝对路径。" "The folder of the data must be an absolute path." ;;
esac
if [ "$nginx" != none ] && [ -z "$site_url" ]; then
    fail "放在 nginx 后面需要 --site-url。" "Behind nginx --site-url is needed."
fi
rest=${site_url#*://}
host=${rest%%[:/]*}
prefix=$(echo "$rest" | sed -n 's|^[^/]*\(/.*[^/]\)/*$|\1|p')
ask_for_mail

make_user_and_folders
write_env
if [ -n "$dry" ]; then
    echo "+ $home/releases/…, $home/static, $home/current"
    release=$home/current
else
    old=
    [ ! -e "$home/current" ] || old=$(readlink -f "$home/current")
    make_release
    say "更新数据库 / Migrating the database"
    manage "$release" migrate --no-input --verbosity 0
    prove "$release" || fail "服务无法启动，见上。" "The server does not start; see above."
    switch_to "$release"
    [ -z "$old" ] || [ "$old" = "$release" ] || ln -sfn "$old" "$home/previous"
    forget_old_releases
fi
install_units
install_nginx
start_service
[ -n "$dry" ] || ! has_systemd || [ "$nginx" = none ] || is_ready || fail \
    "服务没有就绪：journalctl -u webchat" "The service is not ready: journalctl -u webchat"
if [ "$nginx" = beside ]; then
    say "请在网站的 server { } 中加上一行，然后 sudo nginx -t && sudo systemctl reload nginx"
    say "Put this line into the server block of your site, then check and reload nginx:"
    echo "    include snippets/webchat.conf;"
fi
say "创建管理员 / Make an administrator:"
echo "    cd $home/current && sudo -u webchat .venv/bin/python manage.py createsuperuser"
run manage "$release" doctor || true
