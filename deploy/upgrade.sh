#!/bin/sh
# 升级到本目录中的新版本：sudo sh deploy/upgrade.sh　退回上一版本：sudo sh deploy/upgrade.sh --back
# Upgrades a server made by install.sh to the code in this folder, or goes back with --back.
# The data are never taken back: the releases only ever add to the database's tables.
set -eu
umask 022
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh
. deploy/release.sh
. deploy/settings.sh
unset DJANGO_SETTINGS_MODULE
spared_days=30

case ${1:-} in
'' | --back) ;;
*) fail "用法：sudo sh deploy/upgrade.sh [--back]" "Usage: sudo sh deploy/upgrade.sh [--back]" ;;
esac
[ -e "$home/current" ] || fail \
    "$home 里没有已安装的版本，请先运行 deploy/install.sh。" \
    "Nothing is installed in $home: run deploy/install.sh first."

# Whatever ends this script: nothing half-made stays, and the last line says what serves.
finish() {
    status=$?
    trap '' HUP INT PIPE TERM
    set +e
    if [ "$status" -ne 0 ]; then
        go_back
        forget_old_releases
        say_what_serves >&2
    fi
    exit "$status"
}

say_what_serves() {
    now=$(readlink -f "$home/current")
    if ask_service --path /healthz --seconds "$ready_seconds" 2>/dev/null; then
        printf '\n%s\n' "没有升级，仍由原来的版本服务：$now" \
            "Nothing was upgraded; the old release goes on serving: $now"
    else
        printf '\n%s\n' "没有升级，服务没有应答，请看 journalctl -u webchat：$now" \
            "Nothing was upgraded, and the service does not answer, see journalctl -u webchat: $now"
    fi
}

# Those of another release are there, which knew less, or more; only where they are of this home.
renew_units() {
    grep -qsF "$home/current" "${WEBCHAT_ETC:-/etc}/systemd/system/webchat.service" || return 0
    sh "$home/current/deploy/install.sh" --renew </dev/null || say \
        "单元没有更新，请运行 / The units are as before, so run: sudo sh $home/current/deploy/install.sh"
}

# A release deletes a file that no message of its own has when it is a day old. One that does not know
# pictures of people and what reports have kept gets a month, until an upgrade.
spare_files() {
    folder=$(default DATA_DIR /var/lib/webchat)/attachments
    [ ! -d "$folder" ] ||
        (as_webchat find -H "$folder" -type f -exec touch --no-create -d "+$spared_days days" {} +) ||
        say "有的附件只能再保留一天 / Some files that the release before does not know stay for one day only"
}

take_lock
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' HUP PIPE TERM
old=$(readlink -f "$home/current")
# A run that was killed in the middle of the switch has left the name of what served before it.
before=$(readlink -e "$home/switching" || true)

if [ "${1:-}" = --back ]; then
    new=${before:-$(readlink -e "$home/previous" || true)}
    [ -n "$new" ] || fail "没有可以退回的版本。" "There is no release to go back to."
    check_settings "$new" || fail \
        "上一版本不接受 .env 里的设置（见上）。" "The release before refuses a setting in .env, see above."
    spare_files
else
    old=${before:-$old}
    make_release
    new=$release
    if [ "$new" = "$old" ]; then
        say "没有变化 / Nothing is new: $old"
        exit
    fi
    say "备份 / Taking a backup"
    manage "$old" backup || fail "备份失败。" "The backup failed."
    say "更新数据库 / Migrating the database"
    manage "$new" migrate --no-input --verbosity 0 || fail "数据库更新失败。" "The migration failed."
fi

prove "$new" || fail "新版本无法启动。" "The release does not start."
put_in_service "$new" "$old"
forget_old_releases
trap - EXIT HUP INT PIPE TERM
renew_units
say "完成 / Done: $new"
