#!/bin/sh
# 升级到本目录中的新版本：sudo sh deploy/upgrade.sh　退回上一版本：sudo sh deploy/upgrade.sh --back
# Upgrades a server made by install.sh to the code in this folder, or goes back with --back.
# The data are never taken back: the releases only ever add to the database's tables.
set -eu
umask 022
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh
. deploy/release.sh
unset DJANGO_SETTINGS_MODULE

[ -e "$home/current" ] || fail \
    "$home 里没有已安装的版本，请先运行 deploy/install.sh。" \
    "Nothing is installed in $home: run deploy/install.sh first."
old=$(readlink -f "$home/current")

case ${1:-} in
--back)
    new=$(readlink -f "$home/previous") && [ -d "$new" ] || fail \
        "没有可以退回的版本。" "There is no release to go back to."
    check_settings "$new" || fail \
        "上一版本不接受 .env 里的设置（见上），仍由现在的版本服务。" \
        "The release before refuses a setting in .env, see above: the one of now goes on serving."
    ;;
'')
    make_release
    new=$release
    if [ "$new" = "$old" ]; then
        say "没有变化 / Nothing is new: $old"
        exit
    fi
    say "备份 / Taking a backup"
    manage "$old" backup || fail "备份失败，未升级。" "The backup failed: nothing was upgraded."
    say "更新数据库 / Migrating the database"
    manage "$new" migrate --no-input --verbosity 0 || fail \
        "数据库更新失败，仍由原来的版本服务。" "The migration failed; the old release goes on serving."
    ;;
*)
    fail "用法：sudo sh deploy/upgrade.sh [--back]" "Usage: sudo sh deploy/upgrade.sh [--back]"
    ;;
esac

prove "$new" || fail \
    "新版本无法启动，仍由原来的版本服务。" "The release does not start; the old one goes on serving."
put_in_service "$new" "$old"
forget_old_releases
say "完成 / Done: $new"
