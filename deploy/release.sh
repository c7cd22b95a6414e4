# Shared by install.sh and upgrade.sh, which source it after setup.sh in the folder of the new code.
# $home/releases/<time>/ is one release with its own .venv, $home/current the one that serves.

home=${WEBCHAT_HOME:-/srv/webchat}
# Without systemd, these say how the service is told.
reload=${WEBCHAT_RELOAD:-systemctl reload webchat.service}
restart=${WEBCHAT_RESTART:-systemctl restart webchat.service}
address=${WEBCHAT_SOCKET:-/run/webchat.sock}
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

code() {
    tar --exclude=./.venv --exclude=./.env --exclude=./.git --exclude=./data --exclude=./staticfiles \
        --exclude=./staticfiles.lock --exclude=__pycache__ "$@" .
}

# Copy the code in this folder to a release of its own, with its packages and its static files.
make_release() {
    content=$(code --sort=name --mtime=@0 --owner=0 --group=0 -cf - | cksum)
    if [ "$(cat "$home/current/.content" 2>/dev/null)" = "$content" ]; then
        release=$(readlink -f "$home/current")
        return
    fi
    release=$home/releases/$(date +%Y%m%d-%H%M%S)
    say "准备新版本 $release / Making the release $release"
    mkdir -p "$release" "$home/static"
    code -cf - | tar -C "$release" -xf - --no-same-owner
    ln -s "$home/.env" "$release/.env"
    (
        cd "$release"
        make_venv
        install requirements.txt
        check_settings . || {
            rm -rf "$release"
            fail "新版本不接受 .env 里的设置（见上），什么都没有改变。" \
                "The release refuses a setting in .env, see above: nothing was changed."
        }
        .venv/bin/python -m compileall -q -x '/\.venv/' .
        .venv/bin/python manage.py collectstatic --no-input --verbosity 0
        # Next to those of earlier releases: pages that are open still ask for them.
        cp -R staticfiles/. "$home/static/"
        rm -f "$home/static/staticfiles.json"  # the release has its own, and browsers need none
        chmod -R go+rX . "$home/static"
    )
    echo "$content" >"$release/.content"  # last: it says that the release is whole
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

# Whether what serves now answers /readyz.
is_ready() {
    (
        cd "$home/current"
        .venv/bin/python deploy/prove.py --seconds "$ready_seconds" --socket "$address"
    )
}

# switch_to RELEASE: in one step, so that a crash leaves the one or the other.
switch_to() {
    ln -sfn "$1" "$home/current.new"
    mv -T "$home/current.new" "$home/current"
}

gunicorn_of() {
    "$1/.venv/bin/python" -c 'import sys, gunicorn; print(sys.version, gunicorn.__version__)'
}

# put_in_service NEW OLD: switch, tell the service, and go back if it does not answer.
put_in_service() {
    switch_to "$1"
    tell=$reload
    # The master stays in memory over a reload.
    [ "$(gunicorn_of "$1")" = "$(gunicorn_of "$2")" ] || tell=$restart
    say "切换：$tell / Switching: $tell"
    if $tell && is_ready; then
        ln -sfn "$2" "$home/previous"
        return
    fi
    say "新版本没有就绪，正在退回 / The release did not become ready: going back to $2"
    switch_to "$2"
    $restart
    is_ready || true
    fail "升级失败，已退回原来的版本。" "The upgrade failed; the release before it serves again."
}

# Keep what serves, what it would go back to, and nothing older.
forget_old_releases() {
    for each in "$home"/releases/*; do
        case $each in
        "$(readlink -f "$home/current")" | "$(readlink -f "$home/previous")") ;;
        *) rm -rf "$each" ;;
        esac
    done
}
