# Sourced by install.sh for --from: a program that served before, its unit, its address, its data.
# Its unit is kept, and put back by --uninstall or --undo, or if anything fails on the way.

kept_name=webchat-old.service

look_at_old_program() {
    if [ -d "$from/data/users" ]; then
        old_kind=flask old_data=$from/data
    elif [ -d "$from/users" ]; then
        old_kind=flask old_data=$from
    elif [ -e "$from/manage.py" ] && [ -e "$from/.env" ]; then
        old_kind=webchat old_data=$(old_folder "$(value_of "$from/.env" DATA_DIR)")
        [ -e "$old_data/db.sqlite3" ] || fail "$old_data 里没有 db.sqlite3。" "There is no db.sqlite3 in $old_data."
    else
        fail "$from 里既没有旧程序的 data/users，也没有本程序的 manage.py 和 .env。" \
            "$from holds neither the data/users of the old program nor manage.py and .env of this one."
    fi
    old_unit=$(find_old_unit)
    is_begun || check_new_data
    [ -n "$given_port" ] || port=$(old_port)
    before_it=$("$python" deploy/facts.py sites-before "$port")
    [ -z "$before_it" ] || proxied=yes
    [ -n "$given_site_url" ] || site_url=$(old_site)
    nginx=${nginx:-$(nginx_before)}
    nginx=${nginx:-none}
    [ "$old_kind" != flask ] || [ -n "$site_url$given_site_url" ] || [ -t 0 ] || fail \
        "nginx 里找不到旧程序的网址，请用 --site-url 给出（局域网用 --site-url ''）。" \
        "nginx has no address for the old program: give it by --site-url (in a LAN, --site-url '')."
}

old_folder() {
    case $1 in
    /*) echo "$1" ;;
    *) readlink -m "$from/${1:-data}" ;;
    esac
}

# Whether an earlier run has taken over from this folder.
is_taken() {
    [ "$(kept from)" = "$from" ]
}

# Whether an earlier run has at least begun with it, and may have been killed on the way.
is_begun() {
    is_taken || [ -n "$(kept old_unit)" ]
}

find_old_unit() {
    if is_begun; then
        kept old_unit
    elif [ -e "$units/webchat.service" ] && ! is_ours webchat.service; then
        echo webchat
    else
        for each in "$units"/*.service; do
            if grep -qsF -e "$from/" -e "=$from" "$each"; then
                basename "$each" .service
                break
            fi
        done
    fi
}

check_new_data() {
    [ "$old_unit" != webchat ] || [ ! -e "$units/$kept_name" ] || fail \
        "已有 $kept_name：请先移走。" "There is a $kept_name already: move it away first."
    [ "$old_kind" != webchat ] || [ ! -e "${data_dir:-/var/lib/webchat}/db.sqlite3" ] || fail \
        "${data_dir:-/var/lib/webchat} 里已有数据，不会覆盖。" "${data_dir:-/var/lib/webchat} holds data, which are not overwritten."
}

old_port() {
    if is_begun; then
        env_value PORT
        return
    fi
    listening=
    [ -z "$old_unit" ] || listening=$("$python" deploy/facts.py ports-of "$old_unit.service" | sed -n 1p)
    [ -n "$listening" ] || [ "$old_kind" != webchat ] || listening=$(value_of "$from/.env" PORT)
    [ -n "$listening" ] || [ "$old_kind" != webchat ] || listening=8000
    echo "${listening:-5000}"
}

old_site() {
    if is_begun; then
        env_value SITE_URL
    elif [ "$old_kind" = webchat ]; then
        value_of "$from/.env" SITE_URL
    else
        echo "$before_it" | sed -n 1p
    fi
}

# The settings of an earlier webchat, but for those that install.sh decides.
adopt_settings() {
    sed -n 's/^\(export \)\{0,1\}\([A-Z_][A-Z_]*\)=..*/\2/p' "$from/.env" | sort -u | while read -r name; do
        case $name in
        DATA_DIR | DATABASE_URL) ;;
        *) [ -n "$(env_value "$name")" ] || set_env "$name" "$(value_of "$from/.env" "$name")" ;;
        esac
    done
}

# Before anything of theirs is stopped: whether their data can be read at all.
rehearse() {
    [ "${old_kind:-}" = flask ] || return 0
    if [ -n "$planning" ]; then
        echo "+ manage.py import_legacy --dry-run ($old_data)"
        return
    fi
    say "试导入，不写入 / Rehearsing the import: nothing is written"
    copy_old_data
    manage "$release" import_legacy "$copy" --dry-run || fail \
        "旧数据不能导入（见上），旧程序照常运行。" "The old data cannot be imported, see above: the old program goes on."
    destroy_copy
}

# The user of the service cannot read what belongs to root, so it gets a copy of its own.
copy_old_data() {
    copy=$(mktemp -d "$home/from.XXXXXX")
    cp -a "$old_data/." "$copy/"
    chown -R -h webchat:webchat "$copy"
    chmod -R u=rwX,go= "$copy"
}

# It holds every password in plain text.
destroy_copy() {
    [ -n "${copy:-}" ] || return 0
    find "$copy" -type f -path '*/users/*' -exec shred -u {} + || true
    rm -rf "$copy"
    copy=
}

take_over() {
    [ -n "${old_kind:-}" ] || return 0
    stop_old_program
    if [ -n "$planning" ]; then
        echo "+ $old_data -> $data_dir"
    elif [ "$old_kind" = flask ]; then
        copy_old_data
        manage "$release" import_legacy "$copy" || fail \
            "导入失败（见上），旧程序重新启动。" "The import failed, see above: the old program starts again."
        destroy_copy
    elif ! is_taken; then
        cp -a "$old_data/." "$data_dir/"
        chown -R -h webchat:webchat "$data_dir"
    fi
    keep from "$from"
}

stop_old_program() {
    if [ -z "$old_unit" ] || is_taken; then
        return 0
    fi
    if ! is_begun; then
        keep old_enabled "$(systemctl is-enabled "$old_unit.service" 2>/dev/null || true)"
        keep old_unit "$old_unit"
    fi
    [ -n "$planning" ] || taking=yes
    if [ "$old_unit" != webchat ]; then
        run systemctl disable --now "$old_unit.service"
    elif ! is_ours webchat.service && [ -e "$units/webchat.service" ]; then
        run systemctl disable --now webchat.service
        run mv "$units/webchat.service" "$units/$kept_name"
        [ ! -d "$units/webchat.service.d" ] || run mv "$units/webchat.service.d" "$units/$kept_name.d"
        run systemctl daemon-reload
    fi
}

# Put back what was taken over: the units of ours are gone by then.
give_back() {
    taking=
    old_unit=$(kept old_unit)
    [ -n "$old_unit" ] || return 0
    say "恢复旧程序 / Putting the old program back: $old_unit.service"
    if [ "$old_unit" = webchat ] && [ -e "$units/$kept_name" ]; then
        run mv "$units/$kept_name" "$units/webchat.service"
        [ ! -d "$units/$kept_name.d" ] || run mv "$units/$kept_name.d" "$units/webchat.service.d"
    fi
    run systemctl daemon-reload
    [ "$(kept old_enabled)" != enabled ] || run systemctl enable --quiet "$old_unit.service"
    run systemctl start "$old_unit.service"
    for each in from old_unit old_enabled; do
        keep "$each" ""
    done
}
