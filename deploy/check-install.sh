#!/bin/sh
# 在容器里检查安装脚本：sudo sh deploy/check-install.sh [--suite bookworm|trixie] [--only PARTS]
# Boots a small Debian by systemd-nspawn, in which every way of installing is tried from every
# state that a machine can be in, and prints a table. Also each command of deploy/README, of the
# maintainer's and of the administrator's paper is executed. Where there are two cores, two machines
# share the parts. Nothing outside the cache and /run changes.
# Exits with 0 if all went well, 1 at any ✗, 77 (with a reason) where no container can be booted.
# shellcheck disable=SC2086  # lists are words
set -eu
umask 022
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh
. deploy/release.sh
PATH=$PATH:/usr/sbin:/sbin

suite=bookworm
parts="modes nothing handset socket half flask upgrade trouble cut docs"  # the rows of the table
seconds=2400  # for each machine; a quiet one of one core takes ten minutes in all
while [ $# -gt 0 ]; do
    case $1 in
    --suite | --only) [ $# -gt 1 ] || fail "$1 缺少值。" "$1 needs a value." ;;
    esac
    case $1 in
    --suite)
        suite=$2
        shift
        ;;
    --only)
        parts=$2
        shift
        ;;
    *) fail "用法：sudo sh deploy/check-install.sh [--suite bookworm|trixie] [--only '$parts']" \
        "Usage: sudo sh deploy/check-install.sh [--suite bookworm|trixie] [--only '$parts']" ;;
    esac
    shift
done
case $suite in
bookworm) version=3.11 ;;
trixie) version=3.13 ;;
*) fail "--suite 只能是 bookworm 或 trixie。" "--suite is bookworm or trixie." ;;
esac

skip() {
    printf '%s\n' "$@" >&2
    exit 77
}

[ "$(id -u)" -eq 0 ] || skip "需要 root：sudo sh deploy/check-install.sh" "Root is needed to boot a container."
for each in systemd-nspawn debootstrap; do
    command -v "$each" >/dev/null || skip "没有 $each：sudo apt install systemd-container debootstrap" \
        "$each is missing: sudo apt install systemd-container debootstrap"
done

cache=${XDG_CACHE_HOME:-/var/cache}/webchat-machines
root=$cache/$suite
wheels=$cache/wheels-$version
mirror=${WEBCHAT_MIRROR:-http://deb.debian.org/debian}
packages=systemd,systemd-sysv,dbus,python3,python3-venv,nginx,openssl,curl,procps,iproute2,tzdata,sudo

# A folder is whole when it has the name without .new: what was interrupted is made again.
make_root() {
    [ ! -d "$root" ] || return 0
    echo "正在准备 $suite … / Making the machine $suite …"
    mkdir -p "$cache"
    rm -rf "$root.new"
    if ! debootstrap --variant=minbase --include="$packages" "$suite" "$root.new" "$mirror" >"$cache/$suite.log" 2>&1; then
        mirror_answers || skip "连不上 $mirror。" "$mirror is not reached."
        fail "debootstrap 失败：$cache/$suite.log" "debootstrap failed, see $cache/$suite.log"
    fi
    rm -rf "$root.new/var/cache/apt/archives" "$root.new/etc/machine-id"
    mv "$root.new" "$root"
}

mirror_answers() {
    find_python
    "$python" -c 'import sys, urllib.request as ask; ask.urlopen(sys.argv[1], timeout=20)' \
        "$mirror/dists/$suite/Release" 2>/dev/null
}

# There is no network inside.
make_wheels() {
    wanted=$(cksum <requirements.txt)
    [ "$(cat "$wheels/.stamp" 2>/dev/null)" != "$wanted" ] || return 0
    find_python
    "$cache/venv/bin/python" -c 'import pip' 2>/dev/null || "$python" -m venv --clear "$cache/venv"
    mkdir -p "$wheels"
    "$cache/venv/bin/python" -m pip download --quiet --disable-pip-version-check --only-binary :all: \
        --python-version "$version" --dest "$wheels" --requirement requirements.txt || skip \
        "下载 Python 依赖失败。" "The Python packages could not be downloaded."
    echo "$wanted" >"$wheels/.stamp"
}

make_root
make_wheels

results=$(mktemp -d)
containers=
finish() {
    [ -z "$containers" ] || kill $containers 2>/dev/null || true
    [ -z "$containers" ] || wait $containers || true
    [ -z "${groups:-}" ] || find $groups -depth -type d -exec rmdir {} + 2>/dev/null || true
    [ -z "${mounted:-}" ] || umount /run/systemd/nspawn || true
    rm -rf "$results"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# nspawn keeps sockets there, which not every disk can hold.
if ! findmnt --noheadings --output FSTYPE --target /run/systemd/nspawn 2>/dev/null | grep -q tmpfs; then
    mkdir -p /run/systemd/nspawn
    mount -t tmpfs tmpfs /run/systemd/nspawn || skip "不能挂载 tmpfs。" "A tmpfs cannot be mounted here."
    mounted=yes
fi

mkdir "$results/code" "$results/taken" "$results/cells"
code -cf - | tar -C "$results/code" -xf - --no-same-owner
: >"$results/log"

# Without a systemd to ask, a machine would share its groups of processes with any other.
groups= keep_unit=
[ -d /run/systemd/system ] || keep_unit=--keep-unit

# own_groups NAME: make groups of processes for a machine; prints their folders.
own_groups() {
    for each in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        [ ! -e "$each/cgroup.procs" ] || ! mkdir "$each/$1" || echo "$each/$1"
    done
}

# The longest are taken first, so that the machines end together.
order=
for each in docs modes flask upgrade cut; do
    case " $parts " in *" $each "*) order="$order $each" ;; esac
done

# boot NUMBER: start a machine, which does one part after another that none has taken.
boot() {
    mkdir "$results/$1"
    cat >"$results/$1/walk.service" <<END
[Unit]
After=network.target nginx.service
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Environment=MACHINE=$1 "PARTS=$order $parts" PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels LANG=C.UTF-8
ExecStart=/bin/sh /check/code/deploy/machine/walk.sh
StandardOutput=append:/check/log
StandardError=append:/check/log
TimeoutStopSec=3
END
    own=
    [ -z "$keep_unit" ] || own=$(own_groups "$(basename "$results")-$1")
    groups="$groups $own"
    boot_in "$own" timeout --kill-after=20 "$seconds" \
        systemd-nspawn --quiet --boot --directory="$root" --volatile=overlay \
        --register=no $keep_unit --private-network --machine="webchat-$1" --hostname=machine --console=pipe \
        --bind="$results:/check" --bind-ro="$wheels:/wheels" \
        --bind-ro="$results/$1/walk.service:/etc/systemd/system/walk.service" \
        systemd.mask=systemd-networkd.service systemd.mask=systemd-networkd-wait-online.service \
        systemd.wants=walk.service </dev/null >"$results/$1/console" 2>&1 &
    containers="$containers $!"
}

# boot_in GROUPS COMMAND …
boot_in() {
    for each in $1; do
        echo 0 >"$each/cgroup.procs"
    done
    shift
    exec "$@"
}

# table TARGET …: the states from which one of them was tried.
table() {
    echo
    echo "| from | $(echo "$*" | sed 's/ / | /g') |"
    echo "| --- |$(for each in "$@"; do printf ' --- |'; done)"
    awk -v names="$*" '
        BEGIN { count = split(names, target); for (i in target) is[target[i]] = 1 }
        is[$2] { if (!($1 in seen)) { seen[$1]; state[++states] = $1 } if (mark[$1, $2] != "✗") mark[$1, $2] = $3 }
        END {
            for (s = 1; s <= states; s++) {
                row = "| " state[s] " |"
                for (i = 1; i <= count; i++)
                    row = row " " ((state[s], target[i]) in mark ? mark[state[s], target[i]] : "·") " |"
                print row
            }
        }' "$results/all"
}

machines=1
[ "$(nproc)" -lt 2 ] || [ "${parts% *}" = "$parts" ] || machines="1 2"
for each in $machines; do
    boot "$each"
done
# It ends when all of them have.
for each in $containers; do
    while kill -0 "$each" 2>/dev/null; do sleep 0.2; done
done &
tail --pid=$! -n +1 -s 0.2 -f "$results/log" || true
wait $containers || true
containers=
if [ -z "$(find "$results" -name began)" ]; then
    cat "$results/1/console" >&2
    skip "容器没有启动成功，见上。" "The container did not boot, see above."
fi

for each in first $parts; do
    cat "$results/cells/$each" 2>/dev/null || true
done >"$results/all"
table none own beside plain uninstall
! grep -q ' takeover ' "$results/all" || table takeover undo adopted earlier
! grep -q ' refused ' "$results/all" || table refused shared
! grep -q ' hup ' "$results/all" || table hup pipe resumed
! grep -q ' upgrade ' "$results/all" || table upgrade back reload
for each in $parts; do
    [ -d "$results/taken/$each" ] || failed=yes
done
for each in $machines; do
    [ -e "$results/$each/well" ] || failed=yes
done
[ -z "${failed:-}" ]
