# Sourced by install.sh: nginx sends the files of messages. It comes into the group of the service, to
# which nothing of the data is open but the way to these two folders.

lent="attachments previews"

# Whose processes send what nginx sends; nobody if nginx.conf does not say it.
nginx_user() {
    sed -n 's/^[[:space:]]*user[[:space:]]\{1,\}\([A-Za-z0-9._-]\{1,\}\)[[:space:];].*/\1/p' \
        "$nginx_folder/nginx.conf" 2>/dev/null | head -n 1
}

# The service may exchange what is in its folder at any moment, so root changes nothing there.
# Before the service starts, which would close the folders, and before nginx is reloaded, which lets
# its new processes know. A template without the locations does not say that it has them.
lend_files() {
    sender=$(nginx_user)
    if [ -z "$sender" ] || ! id "$sender" >/dev/null 2>&1 || is_elsewhere; then
        sender=
        take_back_files
        return 0
    fi
    leave_group "$sender"
    keep lent_to "$sender"
    is_in "$sender" || run usermod --append --groups webchat "$sender"
    for each in $lent; do
        [ -d "$data_dir/$each" ] || run runuser -u webchat -- mkdir "$data_dir/$each"
        [ "$(stat -c %a "$data_dir/$each" 2>/dev/null)" = 2750 ] || run runuser -u webchat -- chmod 2750 "$data_dir/$each"
    done
    [ "$(stat -c %a "$data_dir" 2>/dev/null)" = 710 ] || run chmod 0710 "$data_dir"
    set_env NGINX_SENDS_FILES on
}

# Whether one of these folders is a link: what it leads to is for whoever made it.
is_elsewhere() {
    for each in $lent; do
        [ ! -L "$data_dir/$each" ] || return 0
    done
    return 1
}

# leave_group USER: whoever was let into the group before them is in it no longer.
leave_group() {
    before=$(kept lent_to)
    [ -z "$before" ] || [ "$before" = "$1" ] || ! is_in "$before" || run gpasswd --delete "$before" webchat
}

# is_in USER: whether they are in the group of the service.
is_in() {
    id -nG "$1" 2>/dev/null | tr ' ' '\n' | grep -qx webchat
}

# At the end: whether it has come out like that.
check_lent() {
    if [ -n "$planning" ] || [ -z "$sender" ] || is_lent; then
        return 0
    fi
    say "nginx 不能只读取消息中的文件，由本程序发送 / nginx cannot read just the files of messages: the chat sends them"
    take_back_files
    ! has_systemd || run systemctl reload webchat.service
}

# Whether nginx reads these folders and neither the database nor a file that is half sent.
is_lent() {
    for each in $lent; do
        as_sender test -r "$data_dir/$each" && as_sender test -x "$data_dir/$each" || return 1
    done
    for each in . db.sqlite3 uploads backups; do
        [ ! -e "$data_dir/$each" ] || ! as_sender test -r "$data_dir/$each" || return 1
    done
}

as_sender() {
    runuser -u "$sender" -- "$@"
}

take_back_files() {
    before=$(kept lent_to)
    folder=$(default DATA_DIR /var/lib/webchat)
    # Of its own: a service that still runs goes by the modes of the folders.
    for each in "$folder" "$folder/attachments" "$folder/previews"; do
        [ "$each" = "$folder" ] || [ ! -L "$each" ] || continue
        [ -z "$before" ] || ! id webchat >/dev/null 2>&1 || [ ! -d "$each" ] || [ "$(stat -c %a "$each")" = 700 ] ||
            run runuser -u webchat -- chmod u=rwx,go=,g-s "$each"
    done
    leave_group ""
    [ -z "$(env_value NGINX_SENDS_FILES)" ] || set_env NGINX_SENDS_FILES ""
    [ -z "$before" ] || keep lent_to ""
}
