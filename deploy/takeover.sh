# Sourced by install.sh for --from: a program that served before, its unit, its address, its data.
# Its unit is kept, and put back by --uninstall or --undo, or if anything fails on the way.

kept_name=webchat-old.service
# In the folder of the data, while a copy in it was never served: only then may it be made once more.
unfinished=.taking-over

look_at_old_program() {
    case $from/ in
    "$(readlink -m "$home")"/*) fail "$from 就是安装的目标。" "$from is what is installed here." ;;
    esac
    check_nothing_else_is_taken
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
    check_code_is_apart
    old_unit=$(find_old_unit)
    is_begun || check_kept_name
    is_taken || check_new_data
    # nginx hands over to the port of the old program, whichever is wanted here.
    served_at=$(old_port)
    check_number "$served_at"
    [ -n "$given_port" ] || port=$served_at
    before_it=$("$python" deploy/facts.py sites-before "$served_at" --nginx "$nginx_folder")
    # There may be a proxy although its address cannot be told.
    proxied=$("$python" deploy/facts.py is-proxied "$served_at" --nginx "$nginx_folder")
    [ "$old_kind" != webchat ] || ! value_of "$from/.env" BEHIND_PROXY | grep -Eiqx '1|on|yes|true' || proxied=yes
    [ -n "$given_site_url" ] || site_url=$(old_site)
    nginx=${nginx:-$(nginx_before)}
    nginx=${nginx:-none}
    [ "$old_kind" != flask ] || [ -n "$site_url$given_site_url" ] || is_begun || doubt_address
}

# Where this code was unpacked over the old program, files of it may be lost: --undo would start a mixture.
check_code_is_apart() {
    case $old_kind:$old_data/ in
    flask:"$(readlink -m "$code")"/*)
        fail "本程序和旧程序混在 $code 里：请把本程序解压到另一个空文件夹，旧程序用它自己的备份恢复。" \
            "This program and the old one are both in $code: unpack this one into another, empty folder," \
            "and mend the old one from a backup of it."
        ;;
    esac
}

doubt_address() {
    [ -z "$before_it" ] || say "nginx 里的网址 / The addresses in nginx:" "$before_it"
    [ -t 0 ] || fail \
        "nginx 里没有旧程序的唯一网址，请用 --site-url 给出（局域网用 --site-url ''）。" \
        "nginx has not one address for the old program: give it by --site-url (in a LAN, --site-url '')."
}

old_folder() {
    case $1 in
    /*) echo "$1" ;;
    *) readlink -m "$from/${1:-data}" ;;
    esac
}

# Whether an earlier run has taken over from this folder.
is_taken() {
    [ -n "$(kept from)" ] && [ "$(readlink -m "$(kept from)")" = "$from" ]
}

# Whether an earlier run has at least begun with it, and may have been killed on the way.
is_begun() {
    is_taken || [ "$(kept taking_from)" = "$from" ]
}

# There is one way back, to one program.
check_nothing_else_is_taken() {
    taken=$(kept from)
    taken=${taken:-$(kept taking_from)}
    taken=${taken:-$(kept old_unit)}
    [ -z "$taken" ] || is_begun || fail "已接替另一个程序（$taken）：请先 --undo。" \
        "Another program is taken over already ($taken): run it with --undo first."
}

find_old_unit() {
    if is_begun; then
        kept old_unit
    elif [ -e "$units/webchat.service" ] && ! is_ours webchat.service; then
        echo webchat
    else
        for each in "$units"/*.service; do
            if names_folder "$each"; then
                basename "$each" .service
                break
            fi
        done
    fi
}

# Whether a unit speaks of the folder itself, or of something in it: not of /root/webchat-bot.
names_folder() {
    escaped=$(printf '%s' "$from" | sed 's/[].[\*^$+?(){}|]/\\&/g')
    grep -v '^[[:space:]]*[#;]' "$1" 2>/dev/null |
        grep -Eq "(^|[^[:alnum:]_./])$escaped([/[:space:]\"':;,]|\$)"
}

check_kept_name() {
    [ "$old_unit" != webchat ] || { [ ! -e "$units/$kept_name" ] && [ ! -L "$units/$kept_name" ]; } || fail \
        "已有 $kept_name：请先移走。" "There is a $kept_name already: move it away first."
}

# A copy that nobody has written into may be made once more, other data are never written over.
check_new_data() {
    new_data=${data_dir:-$(default DATA_DIR /var/lib/webchat)}
    [ "$old_kind" != webchat ] || [ ! -e "$new_data/db.sqlite3" ] || [ -e "$new_data/$unfinished" ] || fail \
        "$new_data 里已有数据，不会覆盖。要从 $old_data 重新开始，先移走它：" \
        "$new_data holds data, which are not overwritten. To begin once more from $old_data, move them away:" \
        "    sudo mv $new_data $new_data.$(date +%Y%m%d)"
}

old_port() {
    if is_begun; then
        default PORT 8000
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
        # Of several a person has to choose.
        [ "$(echo "$before_it" | wc -l)" -ne 1 ] || echo "$before_it"
    fi
}

# The settings of an earlier webchat, but for those that install.sh decides.
adopt_settings() {
    sed -n 's/^\(export \)\{0,1\}\([A-Z_][A-Z_]*\)=..*/\2/p' "$from/.env" | sort -u | while read -r name; do
        case $name in
        DATA_DIR | DATABASE_URL | SITE_URL | PORT | BEHIND_PROXY | MAIL_MODE) ;;
        *) [ -n "$(env_value "$name")" ] || set_env "$name" "$(value_of "$from/.env" "$name")" ;;
        esac
    done
}

# Before anything of theirs is stopped: whether their data can be read at all.
rehearse() {
    [ "${old_kind:-}" = flask ] || return 0
    if [ -n "$planning" ]; then
        echo "+ manage.py import_legacy --dry-run ($old_data)" "$(echo "$import_options" | tr '\n' ' ')"
        return
    fi
    say "试导入，不写入 / Rehearsing the import: nothing is written"
    copy_old_data
    import_copy --dry-run || fail \
        "旧数据不能导入（见上），旧程序照常运行。" "The old data cannot be imported, see above: the old program goes on."
    destroy_copy
    confirm
}

# What the rehearsal has said may be reason enough to come back with --rename.
confirm() {
    [ -t 0 ] || return 0
    printf '%s ' "这样导入吗？/ Import it like this? [Y/n]:"
    read -r said
    case $said in
    [Nn]*) fail "没有导入，旧程序照常运行。" "Nothing was imported: the old program goes on." ;;
    esac
}

# The user of the service cannot read what belongs to root, so it gets a copy of its own.
copy_old_data() {
    copy=$(mktemp -d "$home/from.XXXXXX")
    # Closed from the outside: a copied folder is as open as its source until its mode is changed.
    mkdir "$copy/data"
    cp -a "$old_data/." "$copy/data/"
    chown -R -h webchat:webchat "$copy/data"
    chmod -R u=rwX,go= "$copy/data"
    chown webchat:webchat "$copy"
}

# import_copy [OPTION …]: its advice is about the folder that stays, not about the copy.
import_copy() {
    stays=$(printf '%s' "$old_data" | sed 's/[&|\\]/\\&/g')
    rm -f "$scratch/imported"
    while IFS= read -r each; do
        [ -z "$each" ] || set -- "$@" "$each"
    done <<END
$import_options
END
    {
        manage "$release" import_legacy "$copy/data" "$@" 2>&1 && : >"$scratch/imported"
    } | sed -u "s|$copy/data|$stays|g"
    [ -e "$scratch/imported" ]
}

destroy_copy() {
    [ -n "${copy:-}" ] || return 0
    destroy "$copy"
    copy=
}

# It holds every password in plain text. Root works in no tree of the service's: whoever had a hold
# of that could lead it elsewhere by a link.
destroy() {
    chown root:root "$1"
    chmod 0700 "$1"
    chown -R -h root:root "$1"
    find "$1" -type f -path '*/users/*' -exec shred -u {} + || true
    rm -rf "$1"
}

# Those of runs that were killed: nobody but this run, which has the lock, makes one.
destroy_left_copies() {
    for each in "$home"/from.*; do
        [ ! -d "$each" ] || destroy "$each"
    done
}

take_over() {
    [ -n "${old_kind:-}" ] || return 0
    stop_old_program
    if [ -n "$planning" ]; then
        echo "+ $old_data -> $data_dir"
    elif [ "$old_kind" = flask ]; then
        copy_old_data
        import_copy || fail \
            "导入失败（见上），旧程序重新启动。" "The import failed, see above: the old program starts again."
        destroy_copy
    elif ! is_taken; then
        copy_earlier_data
    fi
    keep from "$from"
}

# By the service itself: in a folder of its own root could be led elsewhere by a link.
copy_earlier_data() {
    mark_unfinished
    # A log of another copy would be read as one of this.
    rm -f "$data_dir"/db.sqlite3*
    { tar -C "$old_data" -cf - . || : >"$scratch/half"; } | (as_webchat tar -C "$data_dir" -xf -)
    [ ! -e "$scratch/half" ] || fail "复制数据失败，见上。" "The data could not be copied, see above."
    copied=yes
}

mark_unfinished() {
    (as_webchat touch "$data_dir/$unfinished")
}

# forget_mark FOLDER: before anybody can write there, so that no kill leaves it in data that are used.
forget_mark() {
    [ ! -e "$1/$unfinished" ] || run rm -f "$1/$unfinished"
}

stop_old_program() {
    ! is_taken || return 0
    if ! is_begun; then
        keep old_enabled "$([ -z "$old_unit" ] || systemctl is-enabled "$old_unit.service" 2>/dev/null || true)"
        keep old_link "$(readlink "$units/$old_unit.service" || true)"
        keep old_unit "$old_unit"
        keep taking_from "$from"
    fi
    [ -n "$old_unit" ] || return 0
    [ -n "$planning" ] || taking=yes
    if [ "$old_unit" != webchat ]; then
        run systemctl disable --now "$old_unit.service"
        relink "$units/$old_unit.service"
    elif ! is_ours webchat.service && [ -e "$units/webchat.service" ]; then
        run systemctl disable --now webchat.service
        relink "$units/webchat.service"
        run mv "$units/webchat.service" "$units/$kept_name"
        [ ! -d "$units/webchat.service.d" ] || run mv "$units/webchat.service.d" "$units/$kept_name.d"
        run systemctl daemon-reload
    fi
}

# Of a unit that is a link to its file elsewhere, `systemctl disable` has removed the link as well.
relink() {
    link=$(kept old_link)
    [ -z "$link" ] || [ -e "$1" ] || [ -L "$1" ] || ! (cd "$units" && [ -e "$link" ]) || run ln -s "$link" "$1"
}

# Put back what was taken over: the units of ours are gone by then.
give_back() {
    taking=
    old_unit=$(kept old_unit)
    [ -z "$old_unit" ] || start_old_program
    for each in from taking_from old_unit old_enabled old_link; do
        [ -z "$(kept "$each")" ] || keep "$each" ""
    done
}

start_old_program() {
    say "恢复旧程序 / Putting the old program back: $old_unit.service"
    if [ "$old_unit" = webchat ] && { [ -e "$units/$kept_name" ] || [ -L "$units/$kept_name" ]; }; then
        run mv "$units/$kept_name" "$units/webchat.service"
        [ ! -d "$units/$kept_name.d" ] || run mv "$units/$kept_name.d" "$units/webchat.service.d"
    fi
    relink "$units/$old_unit.service"
    run systemctl daemon-reload
    [ "$(kept old_enabled)" != enabled ] || run systemctl enable --quiet "$old_unit.service" || true
    # Its file may be gone by now; that is for a person to mend, and no reason to keep the rest.
    run systemctl start "$old_unit.service" || say \
        "旧程序没有启动 / The old program does not start: journalctl -u $old_unit"
}
