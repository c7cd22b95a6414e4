# Run by check-install.sh inside each machine that it boots: from every state to every target.
# /check is one folder for all of them: in it are the code, the log that is printed, the parts that
# are taken, and the cells of each part. $mine/began and $mine/well say how far this machine came.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
. /check/code/deploy/machine/looks.sh
. /check/code/deploy/machine/states.sh
mine=/check/$MACHINE
touch "$mine/began"

targets="none own beside plain uninstall"

install() {
    sh /code/deploy/install.sh $from "$@" </dev/null >>"$mine/install.log" 2>&1
}

upgrade() {
    sh /code/deploy/upgrade.sh "$@" </dev/null >>"$mine/install.log" 2>&1
}

# Where the old program was, a rule of the blog takes all style sheets: the end of the
# installation says which line is missing.
add_advised() {
    line=$(grep -o 'location ^~ /chat/static/ {.*}' "$mine/install.log" | tail -n 1)
    [ -z "$line" ] || sed -i "s|# here|$line\n    # here|" /etc/nginx/sites-available/blog
    systemctl reload nginx
    settled
}

# cut_short SIGNAL: while the new service starts, to all that a terminal would send it to. What
# systemd starts ignores SIGPIPE, unlike what a person starts.
cut_short() {
    setsid env --default-signal=PIPE sh /code/deploy/install.sh --from /root/webchat --mail off </dev/null >>"$mine/install.log" 2>&1 &
    tries=0
    until soon is_starting; do
        tries=$((tries + 1))
        [ "$tries" -lt 12 ] || return 0
    done
    kill -s "$1" -- "-$!"
    wait "$!"
}

is_starting() {
    [ "$(systemctl is-active webchat.service)" = activating ]
}

# Another BEHIND_PROXY in .env than the one that the service has read.
turn_proxy() {
    was=$(sed -n 's/^BEHIND_PROXY=//p' $home/.env)
    now=on
    [ "$was" = off ] || now=off
    sed -i "s/^BEHIND_PROXY=.*/BEHIND_PROXY=$now/" $home/.env
}

# reach TARGET: what a person types for it.
reach() {
    case $1 in
    none) install --nginx none --site-url '' --mail off ;;
    own) install --nginx own --site-url https://chat.example.com --mail off ;;
    beside)
        install --nginx beside --site-url https://www.example.com/chat --mail off && include_snippet
        ;;
    plain) install --nginx own --site-url http://192.168.1.100 --mail off ;;
    shared) install --nginx own --site-url http://192.168.1.100:8000 --mail off ;;
    uninstall) install --uninstall ;;
    takeover) install --from /root/webchat --mail off && add_advised ;;
    adopted) install --from /root/webchat ;;
    hup) ! cut_short HUP ;;
    pipe) ! cut_short PIPE ;;
    resumed)
        ! cut_short KILL && rm -r /run/systemd/system/webchat.service.d && systemctl daemon-reload && reach takeover
        ;;
    undo | earlier) install --undo ;;
    refused) ! install --from /root/webchat --mail off ;;
    upgrade) upgrade ;;
    back) upgrade --back ;;
    reload) turn_proxy && systemctl reload webchat.service && settled && turn_proxy ;;
    esac
}

# cell STATE TARGET [MODE]: try it, look whether it is as that target (or that mode) has it, and
# note how it went.
cell() {
    began=$(date +%s)
    : >"$mine/install.log"
    complaints=
    reach "$2" || complaints=" [it failed]"
    complaints="$complaints$(look "${3:-$2}" 2>&1)" || complaints="$complaints [a look failed]"
    mark=✓
    if [ -n "$complaints" ]; then
        mark=✗ all_well=
        tail -n 40 "$mine/install.log"
    fi
    echo "$1 $2 $mark" >>"/check/cells/$part"
    echo "$mark $1 → $2, $(($(date +%s) - began)) s$complaints"
}

# All ordered pairs of the four, itself included, in one walk.
walk_between_modes() {
    was=none
    for each in none own own none beside beside own plain plain none plain beside plain own beside none; do
        cell "$was" "$each"
        was=$each
    done
    cell none uninstall
    for each in own beside plain; do
        make_nothing
        quietly_reach "$each"
        cell "$each" uninstall
    done
}

walk_from_nothing() {
    for each in own beside plain uninstall; do
        make_nothing
        cell nothing "$each"
    done
}

# walk_from STATE: made again before each target.
walk_from() {
    for each in $targets; do
        make_nothing
        "make_$1"
        cell "$1" "$each"
    done
}

# The first users' program: taken over as it is, into each mode, and given back.
walk_from_flask() {
    for each in takeover own beside plain uninstall; do
        make_nothing
        make_flask
        case $each in
        own | beside | plain) from="--from /root/webchat" look=$each+people ;;
        uninstall) look=refused ;;
        *) look=$each ;;
        esac
        cell flask "$each" "$look"
        from=
    done
    make_nothing
    make_flask
    quietly_reach takeover
    cell takeover takeover
    cell takeover undo
    make_nothing
    make_earlier
    cell earlier adopted
    cell adopted adopted
    cell adopted earlier
}

walk_from_trouble() {
    for each in unreadable failing; do
        make_nothing
        "make_$each"
        cell "$each" refused
    done
    make_nothing
    make_both
    cell both refused both
    rm -rf /run/systemd/system/webchat.service.d
    make_nothing
    quietly_reach none
    cell none shared
    cell shared none
}

walk_from_cut() {
    for each in hup pipe resumed; do
        make_nothing
        make_slow
        cell slow "$each"
    done
    make_nothing
    make_linked
    cell linked takeover
    cell linked undo
    for each in none uninstall; do
        make_nothing
        make_theirs
        cell theirs "$each"
    done
}

walk_upgrade() {
    cp /code/webchat/health.py /tmp/health.py
    for each in none own beside; do
        make_nothing
        quietly_reach "$each"
        echo "# $each" >>/code/webchat/health.py
        for step in upgrade back reload; do
            cell "$each" "$step" "$each"
        done
    done
    # Else every installation from here on would make a release of its own.
    cp /tmp/health.py /code/webchat/health.py
}

walk_docs() {
    python3 /code/deploy/machine/recipes.py || all_well=
}

quietly_reach() {
    reach "$1" || {
        echo "✗ $1 was not reached:"
        tail -n 20 "$mine/install.log"
        all_well=
    }
}

all_well=yes from= part=first
prepare_machine
cell nothing none
keep_releases
for part in $PARTS; do
    mkdir "/check/taken/$part" 2>/dev/null || continue
    case $part in
    modes) walk_between_modes ;;
    nothing) walk_from_nothing ;;
    handset | socket | half) walk_from "$part" ;;
    flask) walk_from_flask ;;
    trouble) walk_from_trouble ;;
    cut) walk_from_cut ;;
    upgrade) walk_upgrade ;;
    docs) walk_docs ;;
    esac
done
[ -z "$all_well" ] || touch "$mine/well"
