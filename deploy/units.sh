# Sourced by install.sh: the units of systemd, as they shall be for this --nginx.

units=${WEBCHAT_ETC:-/etc}/systemd/system
socket=/run/webchat.sock
of_systemd="webchat.service webchat.socket webchat-nightly.service webchat-nightly.timer"

has_systemd() {
    [ -d /run/systemd/system ]
}

# Whether the unit of this name is ours, and not that of another program.
is_ours() {
    case $1 in
    webchat.service) grep -qsF "$home/current" "$units/$1" ;;
    *) [ -e "$units/$1" ] ;;
    esac
}

# The content that a unit shall have; nothing if it shall not be there.
unit() {
    case $nginx:$1 in
    none:webchat.socket | nowhere:*) return ;;
    esac
    sed -e "s|/srv/webchat|$home|g" "deploy/systemd/$1" | place_data | without_socket | in_zone | low_port
}

# The folder of the data, where it is not the one that systemd makes.
place_data() {
    if [ "$data_dir" = /var/lib/webchat ] && [ "$nginx" = none ]; then
        cat
    elif [ "$data_dir" = /var/lib/webchat ]; then
        # As the chat has it where nginx sends its files; else it closes the folder itself.
        sed -e 's/^StateDirectoryMode=.*/StateDirectoryMode=0710/'
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

# The night is that of the site, not that of a machine whose clock may run by UTC.
in_zone() {
    zone=$(default TIME_ZONE Asia/Shanghai)
    if [ -e "/usr/share/zoneinfo/$zone" ]; then
        sed -e "s|^\(OnCalendar=.*\) Asia/Shanghai$|\1 $zone|"
    else
        sed -e "s|^\(OnCalendar=.*\) Asia/Shanghai$|\1|"
    fi
}

low_port() {
    if [ "$nginx" = none ] && [ "$port" -lt 1024 ]; then
        sed -e 's/^CapabilityBoundingSet=$/CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE/'
    else
        cat
    fi
}

# settle FILE: give it the content of the input, or take it away if that is empty.
settle() {
    cat >"$scratch/new"
    if [ ! -s "$scratch/new" ]; then
        [ -e "$1" ] || [ -L "$1" ] || return 0
        : >"$scratch/changed"
        run rm -f "$1"
    elif [ -L "$1" ] || ! cmp -s "$scratch/new" "$1"; then
        : >"$scratch/changed"
        if [ -n "$planning" ]; then
            echo "+ $1"
        else
            mkdir -p "$(dirname "$1")"
            rm -f "$1"
            cat "$scratch/new" >"$1"
        fi
    fi
}

settle_units() {
    if [ "$nginx" = none ] || [ "$nginx" = nowhere ]; then
        close_socket
    fi
    for each in $of_systemd; do
        if [ "$nginx" = nowhere ] && ! is_ours "$each"; then
            continue
        fi
        unit "$each" | settle "$units/$each"
    done
    ! has_systemd || run systemctl daemon-reload
}

# It would hold the address, or let nobody in: nothing is behind it any more.
close_socket() {
    if has_systemd && [ -e "$units/webchat.socket" ]; then
        run systemctl disable --now webchat.socket || true
    fi
    [ ! -e "$socket" ] || run rm -rf "$socket"
}

start_service() {
    if ! has_systemd; then
        say "这里没有运行 systemd：装好了，没有启动 / No systemd runs here: installed, not started"
        return
    fi
    # A unit that failed too often is not started again, unless it is forgiven.
    run systemctl reset-failed webchat.service webchat.socket 2>/dev/null || true
    run systemctl enable --quiet webchat.service webchat-nightly.timer
    if [ "$nginx" != none ]; then
        run systemctl enable --quiet webchat.socket
        # A service that listens by itself keeps systemd from listening for it.
        if ! systemctl is-active --quiet webchat.socket || [ ! -S "$socket" ]; then
            run systemctl stop webchat.service webchat.socket
            [ ! -e "$socket" ] || run rm -rf "$socket"
            run systemctl start webchat.socket
        fi
    fi
    run systemctl restart webchat-nightly.timer
    run systemctl restart webchat.service || fail \
        "服务无法启动：journalctl -u webchat" "The service does not start: journalctl -u webchat"
}

remove_units() {
    nginx=nowhere
    if has_systemd; then
        for each in webchat-nightly.timer webchat.service webchat.socket; do
            ! is_ours "$each" || run systemctl disable --quiet --now "$each" || true
        done
    fi
    settle_units
}

# Of ours, such as the options of the nightly: what stands beside somebody else's unit is theirs.
remove_drop_ins() {
    for each in $of_systemd; do
        ! is_ours "$each" || [ ! -d "$units/$each.d" ] || run rm -rf "$units/$each.d"
    done
}

# Before a take-over: what of ours serves now, to be there again if it fails. Where one was begun
# earlier, a unit of ours may stand where that of the old program belongs.
remember_units() {
    if is_begun || ! is_ours webchat.service || ! systemctl is-active --quiet webchat.service; then
        return 0
    fi
    mkdir "$scratch/units"
    for each in $of_systemd; do
        [ ! -e "$units/$each" ] || cp -p "$units/$each" "$scratch/units/"
    done
    # In the order in which they are started.
    for each in webchat.socket webchat.service webchat-nightly.timer; do
        for state in enabled active; do
            ! systemctl "is-$state" --quiet "$each" || echo "$state $each"
        done
    done >"$scratch/states"
}

has_served() {
    [ -e "$scratch/states" ]
}

serve_again() {
    say "恢复本程序 / Putting this program back: webchat.service"
    cp -pR "$scratch/units/." "$units/"
    systemctl daemon-reload
    while read -r state each; do
        case $state in
        enabled) systemctl enable --quiet "$each" ;;
        active) systemctl start "$each" ;;
        esac
    done <"$scratch/states"
}
