#!/bin/sh
# 制作可离线安装的压缩包：sh deploy/release-archive.sh [目录]（默认 dist/）
# Makes webchat-VERSION.tar.gz of the code in HEAD, tests included, with the packages that the server
# needs on the machines below: a place without Internet installs it from a USB stick.
set -eu
umask 022
called_in=$PWD
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh

pythons="3.11 3.12 3.13"      # Debian 12, Ubuntu 24.04, Debian 13
machines="x86_64 aarch64"
pip=pip==26.0.1  # for a system that has none: on Debian it is in python3-venv
# What wheels call a system of glibc 2.34 or newer, which all of these have.
systems="manylinux2014 manylinux_2_17 manylinux_2_28 manylinux_2_34"

# pip_for PYTHON MACHINE COMMAND …: pip, as if it ran there; no settings of this machine.
pip_for() {
    version=$1 machine=$2
    shift 2
    for system in $systems; do
        set -- "$@" --platform "${system}_$machine"
    done
    env -u PIP_FIND_LINKS -u PIP_CONSTRAINT -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
        .venv/bin/python -m pip "$@" --quiet --disable-pip-version-check --only-binary=:all: \
        --implementation cp --python-version "$version" --requirement requirements.txt
}

fetch_wheels() {
    mkdir "$1"
    for version in $pythons; do
        for machine in $machines; do
            pip_for "$version" "$machine" download --dest "$1" "$pip" || fail \
                "下载软件包失败，请检查网络（镜像：环境变量 PIP_INDEX_URL）。" \
                "The packages could not be fetched: check the network, or name a mirror in PIP_INDEX_URL."
        done
    done
    (cd "$1" && sha256sum -- *.whl >SHA256SUMS)
}

# Whether each machine finds all it needs in the folder, and nothing elsewhere.
check_wheels() {
    for version in $pythons; do
        for machine in $machines; do
            pip_for "$version" "$machine" install --dry-run --ignore-installed --no-index \
                --find-links "$1" --target "$scratch/nowhere" "$pip" || fail \
                "软件包不全：Python $version，$machine。" "Packages are missing: Python $version, $machine."
            echo "  Python $version, $machine: ✓"
        done
    done
}

# The version in CHANGELOG.md, and which commit this is if it has not its tag.
version_of_head() {
    version=$(sed -n 's/^## \([0-9][0-9a-z.]*\).*/\1/p' CHANGELOG.md | head -n 1)
    tagged=$(git tag --points-at HEAD --list "v$version")
    [ -n "$tagged" ] || version=$version-$(git log -1 --date=format:%Y%m%d --format=%cd-%h)
    echo "$version"
}

git rev-parse --verify --quiet HEAD >/dev/null || fail "这里不是 git 仓库。" "This is no git repository."
git diff --quiet HEAD || echo "注意：未提交的改动不在其中。/ Note: changes that are not committed are left out."
case ${1:-} in
/*) into=$1 ;;
*) into=$called_in/${1:-dist} ;;
esac
name=webchat-$(version_of_head)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

make_venv
git -c tar.umask=0022 archive --prefix="$name/" --output "$scratch/code.tar" HEAD
tar -C "$scratch" -xf "$scratch/code.tar"
echo "正在下载软件包… / Fetching the packages…"
fetch_wheels "$scratch/$name/wheels"
check_wheels "$scratch/$name/wheels"
# The same commit makes the same bytes.
tar -C "$scratch" --sort=name --mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 \
    --numeric-owner --format=gnu -cf "$scratch/$name.tar" "$name"
mkdir -p "$into"
gzip -n -9 <"$scratch/$name.tar" >"$into/$name.tar.gz"
(cd "$into" && sha256sum "$name.tar.gz" >SHA256SUMS)
echo "完成 / Done: $into/$name.tar.gz, $into/SHA256SUMS"
