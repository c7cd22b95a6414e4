#!/bin/sh
# 安装为系统服务：sudo sh deploy/install.sh [选项]（--help 看说明）
# Installs the chat as a service of systemd, behind nginx or not. All that was asked for is checked
# first; then what differs from it is changed, from whatever state, and what is not wanted is taken
# away. May be run again at any time.
set -eu
umask 022
called_in=$PWD
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh
. deploy/release.sh
. deploy/options.sh
. deploy/settings.sh
. deploy/units.sh
. deploy/site.sh
. deploy/lend.sh
. deploy/takeover.sh
unset DJANGO_SETTINGS_MODULE

read_options "$@"
[ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || fail "请用 sudo 运行。" "Run it with sudo."

# Nobody can know its name beforehand, so nobody else can choose what root writes there.
scratch=$(mktemp -d)
planning=yes taking= copied= hint=

# Whatever ends this script, a terminal that is gone as well: the old program serves again.
finish() {
    status=$?
    trap '' HUP INT PIPE TERM
    set +e
    planning=
    [ ! -t 0 ] || stty echo
    destroy_copy
    gave_back=$taking
    if [ -n "$taking" ]; then
        remove_units
        # Whatever was served did not become ready, and is stopped.
        [ -z "$copied" ] || mark_unfinished
        give_back
        if put_back_nginx && nginx_is_sound 2>/dev/null; then
            systemctl reload nginx
        fi
    fi
    put_back_settings
    if [ "$status" -ne 0 ] && [ -n "${locked:-}" ]; then
        go_back "$(is_ours webchat.service || echo unserved)"
        forget_old_releases
    fi
    if [ -n "$gave_back" ] && has_served; then
        serve_again
    fi
    rm -rf "$scratch"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' HUP PIPE TERM

# Each step goes through here, so that a plan prints what would be done.
run() {
    if [ -n "$planning" ]; then
        echo "+ $*"
    else
        "$@"
    fi
}

make_user_and_folders() {
    if ! id webchat >/dev/null 2>&1; then
        # Of a user that was deleted, the group stays as long as it has other members.
        group=--user-group
        ! getent group webchat >/dev/null || group=--gid=webchat
        run useradd --system $group --home-dir "$data_dir" --shell /usr/sbin/nologin webchat
    fi
    for each in "$home/releases" "$home/static" "$data_dir"; do
        [ -d "$each" ] || run mkdir -p "$each"
    done
    case $(stat -c %a "$data_dir" 2>/dev/null) in
    700 | 710) ;;
    *) run chmod 0700 "$data_dir" ;;
    esac
    # Those of another machine, or that root wrote, are closed to the service.
    [ -d "$data_dir" ] && [ -z "$(find "$data_dir" ! -user webchat -print -quit 2>&1)" ] ||
        run chown -R -h webchat:webchat "$data_dir"
    [ ! -e "$home/.env" ] || [ "$(stat -c %U "$home/.env")" = webchat ] || run chown webchat:webchat "$home/.env"
}

settle_release() {
    # The first one is that of a switch that was killed on the way.
    old=$(readlink -e "$home/switching" || readlink -e "$home/current" || true)
    if [ -n "$planning" ]; then
        echo "+ $home/releases/…, $home/static, $home/current"
        rehearse
        take_over
        return
    fi
    make_release
    check_settings "$release" || fail "设置不被接受（见上），什么都没有改变。" \
        "A setting is refused, see above: nothing was changed."
    [ "${old_kind:-}" != webchat ] || take_over
    [ "$release" = "${old:-$release}" ] || [ ! -e "$data_dir/db.sqlite3" ] || back_up
    migrate
    rehearse
    # One that serves already has proved it.
    [ "$release" = "$old" ] || prove "$release" || fail "服务无法启动，见上。" "The server does not start; see above."
    [ "${old_kind:-}" != flask ] || take_over
    # Where a chat of ours serves already, they are those that it goes back to.
    has_served || settings_before=
    [ "$release" = "${old:-$release}" ] || ln -sfn "$old" "$home/switching"
    switch_to "$release"
}

back_up() {
    say "备份 / Taking a backup"
    manage "$old" backup || fail "备份失败，什么都没有改变。" "The backup failed: nothing was changed."
}

migrate() {
    say "更新数据库 / Migrating the database"
    manage "$release" migrate --no-input --verbosity 0
}

converge() {
    make_user_and_folders
    write_settings
    settle_release
    settle_units
    forget_mark "$data_dir"
    # Both may have, or want, the same port: who gives it up goes first.
    if [ "$nginx" = none ]; then
        settle_nginx
        take_back_files
        start_service
    else
        lend_files
        start_service
        settle_nginx
        check_lent
    fi
}

# As upgrade.sh does, which restarts nothing. A timer that somebody has turned off stays so.
renew() {
    timer=webchat-nightly.timer
    [ ! -e "$units/$timer" ] || systemctl is-enabled --quiet "$timer" || timer=
    settle_units
    [ -z "$timer" ] || run systemctl enable --quiet "$timer"
    [ -z "$timer" ] || run systemctl restart "$timer"
}

# Files of nginx may have been changed by hand, and stay.
say_what_is_newer() {
    planning=yes
    find_nginx || [ -d "$nginx_folder" ] || return 0
    rm -f "$scratch/changed"
    choose_certificate >/dev/null
    settle_files_of_nginx
    [ ! -e "$scratch/changed" ] || say "nginx 的文件有新的版本（见上）/ There are newer files for nginx, see above:" \
        "sudo sh $PWD/deploy/install.sh"
}

uninstall() {
    prefix= nginx=nowhere
    settle_nginx
    take_back_files
    for each in "$self_signed.pem" "$self_signed.key"; do
        [ ! -e "$each" ] || run rm -f "$each"
    done
    remove_drop_ins
    remove_units
    for each in releases static current previous switching releases.lock; do
        [ ! -e "$home/$each" ] && [ ! -L "$home/$each" ] || run rm -rf "${home:?}/$each"
    done
    ! has_systemd || run systemctl daemon-reload
    # One that an earlier version has left may be in data that were served for weeks.
    [ -z "$(kept from)" ] || forget_mark "$(default DATA_DIR /var/lib/webchat)"
    give_back
    forget_implied_proxy
    [ ! -e "$home/install.conf" ] || run rm -f "$home/install.conf"
}

# Before anything is changed: nobody else is at it, and what a kill has left is destroyed.
begin() {
    mkdir -p "$home"
    take_lock
    destroy_left_copies
    [ -z "$from" ] || remember_units
}

# plan_and_do STEPS: say what they will do, then let them.
plan_and_do() {
    say "要做的事 / What is to be done:"
    planning=yes
    "$1"
    [ -z "$dry" ] || exit 0
    planning=
    # For --renew upgrade.sh has the lock.
    [ "$1" != converge ] || begin
    say "开始 / Now"
    "$1"
}

if [ -n "$uninstall" ]; then
    [ -n "$dry" ] || [ ! -d "$home" ] || begin
    [ "$uninstall" != undo ] || [ -n "$(kept from)$(kept taking_from)$(kept old_unit)" ] || fail \
        "没有可以撤销的 --from。" "No --from has been done here that could be undone."
    plan_and_do uninstall
    say "已卸载。数据与设置仍在 / Removed; data and settings are still in: $(default DATA_DIR /var/lib/webchat), $home/.env"
    exit
fi

complete_options
if [ -n "$renew" ]; then
    check_site
    if has_systemd; then
        plan_and_do renew
        say_what_is_newer
    fi
    exit
fi
check_options
plan_and_do converge
if has_systemd; then
    [ "$nginx" != none ] || address=127.0.0.1:$port
    is_ready || fail "服务没有就绪：journalctl -u webchat" "The service is not ready: journalctl -u webchat"
fi
taking= settings_before=
[ ! -L "$home/switching" ] || finish_switch
forget_old_releases
if [ "$hint" = certificate ]; then
    say "还没有证书，先用自签名的 / No certificate yet: a self-signed one for now. Then:"
    echo "    sudo certbot certonly --webroot -w /var/www/html -d $host --deploy-hook 'systemctl reload nginx' &&" \
        "sudo sh deploy/install.sh"
fi
if [ "$nginx" = beside ]; then
    say "请在网站的 server { } 中加上一行，然后 sudo nginx -t && sudo systemctl reload nginx"
    say "Put this line into the server block of your site, then check and reload nginx:"
    echo "    include snippets/webchat.conf;"
fi
say "创建管理员 / Make an administrator:"
echo "    cd $home/current && sudo -u webchat .venv/bin/python manage.py createsuperuser"
manage "$home/current" doctor || true
