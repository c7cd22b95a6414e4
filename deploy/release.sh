# Shared by install.sh and upgrade.sh, which source it after setup.sh in the folder of the new code.
# $home/releases/<time>/ is one release with its own .venv, $home/current the one that serves.

home=${WEBCHAT_HOME:-/srv/webchat}
# Without systemd, these say how the service is told.
reload=${WEBCHAT_RELOAD:-systemctl reload webchat.service}
restart=${WEBCHAT_RESTART:-systemctl restart webchat.service}
main_pid=${WEBCHAT_MAIN_PID:-systemctl show --property=MainPID --value webchat.service}
# The unix socket or HOST:PORT of the service; empty: asked of its process.
address=${WEBCHAT_SOCKET:-}
room_megabytes=250  # on the disk: a release takes a hundred, and pip as much in between
code=$PWD
ready_seconds=${WEBCHAT_READY_SECONDS:-60}

say() {
    echo "== $*"
}

as_webchat() {
    umask 077
    if [ "$(id -u)" -eq 0 ] && id webchat >/dev/null 2>&1; then
        runuser -u webchat -- "$@"
    else
        "$@"
    fi
}

# manage RELEASE COMMAND …
manage() {
    (
        cd "$1"
        shift
        as_webchat .venv/bin/python manage.py "$@"
    )
}

# The wheels of an archive serve the making of a release, which then has its own packages.
code() {
    tar --exclude=./.venv --exclude=./.env --exclude=./.git --exclude=./data --exclude=./staticfiles \
        --exclude=./staticfiles.lock --exclude=./.content --exclude=./wheels --exclude=./dist \
        --exclude=__pycache__ "$@" .
}

# Until this script ends, whatever ends it, no other one changes the releases.
take_lock() {
    [ -z "${locked:-}" ] || return 0
    [ -w "$home" ] || fail "不能写入 $home：请用 sudo 运行。" "$home cannot be written to: run it with sudo."
    exec 9>"$home/releases.lock"
    flock --nonblock 9 || fail \
        "另一个安装或升级正在进行。" "Another installation or upgrade is under way."
    locked=yes
}

check_room() {
    free=$(df -Pm "$home" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$room_megabytes" ] || fail \
        "磁盘空间不足：$home 只剩 $free MB，需要 $room_megabytes MB。" \
        "Too little room on the disk: $home has $free MB left, and $room_megabytes MB are needed."
}

# Copy the code in this folder to a release of its own, with its packages and its static files.
make_release() {
    take_lock
    forget_old_releases
    content=$(code --sort=name --mtime=@0 --owner=0 --group=0 -cf - | cksum)
    if [ "$(cat "$home/current/.content" 2>/dev/null)" = "$content" ]; then
        release=$(readlink -f "$home/current")
        return
    fi
    release=$home/releases/$(date +%Y%m%d-%H%M%S)
    check_room
    say "准备新版本 $release / Making the release $release"
    (
        trap 'status=$?; [ "$status" -eq 0 ] || rm -rf "$release"; exit "$status"' EXIT
        trap 'exit 130' HUP INT PIPE TERM
        mkdir -p "$release" "$home/static"
        { code -cf - || : >"$release/.half"; } | tar -C "$release" -xf - --no-same-owner
        [ ! -e "$release/.half" ] || fail "复制程序失败，见上。" "The code could not be copied, see above."
        ln -s "$home/.env" "$release/.env"
        cd "$release"
        make_venv
        install requirements.txt
        check_settings . || fail \
            "新版本不接受 .env 里的设置（见上），什么都没有改变。" \
            "The release refuses a setting in .env, see above: nothing was changed."
        .venv/bin/python -m compileall -q -x '/\.venv/' .
        .venv/bin/python manage.py collectstatic --no-input --verbosity 0
        # Next to those of earlier releases: pages that are open still ask for them.
        cp -R staticfiles/. "$home/static/"
        rm -f "$home/static/staticfiles.json"  # the release has its own, and browsers need none
        chmod -R go+rX . "$home/static"
        echo "$content" >.content  # last: it says that the release is whole
    )
}

# check_settings RELEASE: whether it takes the settings that there are; it says which one it refuses.
check_settings() {
    manage "$1" check >/dev/null
}

# prove RELEASE: whether it starts and answers /readyz on a spare port, on the same database.
prove() {
    say "试运行新版本 / Trying the release on a spare port"
    (
        cd "$1"
        as_webchat .venv/bin/python deploy/prove.py --seconds "$ready_seconds" --start
    )
}

# Print the number of the process that serves, 0 if there is none.
serving_pid() {
    pid=$($main_pid 2>/dev/null) || pid=0
    echo "${pid:-0}"
}

# ask_service [OPTION …]: whether what serves now says that it does. The program is the one in this folder:
# that of another release may not know the options.
ask_service() {
    if [ -n "$address" ]; then
        set -- --socket "$address" "$@"
    else
        set -- --pid "$(serving_pid)" "$@"
    fi
    "$home/current/.venv/bin/python" "$code/deploy/prove.py" "$@"
}

# is_ready [PID …]: whether it can store messages, by workers that are none of these.
is_ready() {
    ask_service --seconds "$ready_seconds" --not-by "$*"
}

# switch_to RELEASE: in one step, so that a crash leaves the one or the other.
switch_to() {
    ln -sfn "$1" "$home/current.new" && mv -T "$home/current.new" "$home/current"
}

gunicorn_of() {
    "$1/.venv/bin/python" -c 'import sys, gunicorn; print(sys.version, gunicorn.__version__)'
}

# tell NEW OLD: let the service go from one release to the other; whether the new one is ready then.
tell() {
    tell=$reload
    pid=$(serving_pid)
    # The master stays in memory over a reload, if there is one.
    if [ "$pid" -eq 0 ] || [ "$(gunicorn_of "$1")" != "$(gunicorn_of "$2")" ]; then
        tell=$restart
    fi
    workers=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null) || workers=
    say "切换：$tell / Switching: $tell"
    # shellcheck disable=SC2086  # numbers
    $tell 9>&- && is_ready $workers
}

# put_in_service NEW OLD: what it leaves half-done if it is cut short, go_back or the next run ends.
put_in_service() {
    ln -sfn "$2" "$home/switching"
    switch_to "$1"
    tell "$1" "$2" || fail "新版本没有就绪。" "The release did not become ready."
    finish_switch
}

finish_switch() {
    ln -sfn "$(readlink "$home/switching")" "$home/previous"
    rm "$home/switching"
}

# go_back [unserved]: return to the release that served before a switch that did not come to its end.
# With `unserved` only the link goes back: what has the name of our service may be another program.
go_back() {
    before=$(readlink -e "$home/switching") || return 0
    after=$(readlink -f "$home/current")
    if [ "$before" != "$after" ]; then
        say "正在退回 / Going back to $before"
        switch_to "$before" || return 0
        [ -n "${1:-}" ] || tell "$before" "$after" || { $restart 9>&- && is_ready; }
    fi
    rm -f "$home/switching"
}

# Keep what serves, what it would go back to, and nothing else: neither older nor half-made ones.
forget_old_releases() {
    for each in "$home"/releases/*; do
        case $each in
        "$(readlink -f "$home/current")" | "$(readlink -f "$home/previous")" | \
            "$(readlink -f "$home/switching")") ;;
        *) rm -rf "$each" ;;
        esac
    done
}
