# Shared by the other scripts, which source it in the project's folder.

# The packages that an archive by release-archive.sh brings along.
wheels=$PWD/wheels

fail() {
    printf '\n%s\n' "$@" >&2
    exit 1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            return
        fi
    done
    fail "需要 Python 3.11 或更新的版本：sudo apt install python3 python3-venv" \
        "Python 3.11 or newer is needed: sudo apt install python3 python3-venv"
}

check_writable() {
    # A real write: root passes every test of permissions, also on a read-only disk.
    if ! probe=$(mktemp ./.writable.XXXXXX 2>/dev/null); then
        fail "目录不可写：$PWD" "This folder cannot be written to: $PWD"
    fi
    rm -f "$probe"
}

make_venv() {
    # A .venv that was moved, or left half-made by an interruption, is made again.
    if .venv/bin/python -c 'import pip' 2>/dev/null; then
        return
    fi
    find_python
    pip_wheel=$(ls "$wheels"/pip-*.whl 2>/dev/null | tail -n 1)
    needed=venv
    [ -n "$pip_wheel" ] || needed=venv,ensurepip
    if ! "$python" -c "import $needed" 2>/dev/null; then
        fail "缺少 Python 的 venv 模块：sudo apt install python3-venv" \
            "Python's venv module is missing: sudo apt install python3-venv"
    fi
    echo "正在创建 .venv … / Making .venv …"
    if [ -n "$pip_wheel" ]; then
        make_venv_from_wheels
    else
        "$python" -m venv --clear .venv
    fi || fail "无法创建 .venv。" "The folder .venv could not be made."
}

# A system without the package python3-venv has `venv`, and lacks only the pip for it.
make_venv_from_wheels() {
    check_wheels_are_whole
    "$python" -m venv --without-pip --clear .venv &&
        .venv/bin/python "$pip_wheel/pip" install --quiet --disable-pip-version-check --no-index --no-deps "$pip_wheel"
}

# install FILE: once for each content of the requirement files.
install() {
    stamp=".venv/$1.stamp"
    wanted=$(cat requirements*.txt | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "正在安装依赖（$1）… / Installing the requirements ($1) …"
    leave_pillow_out
    if [ "$1" = requirements.txt ] && [ -d "$wheels" ]; then
        install_from_wheels
    else
        pip_install --requirement "$others/$1" || fail \
            "依赖安装失败（见上）：请检查网络和磁盘；可用环境变量 PIP_INDEX_URL 指定镜像。" \
            "The requirements could not be installed, see above: check the network and the disk, or name a mirror in PIP_INDEX_URL."
        install_pillow
    fi
    echo "$wanted" >"$stamp"
}

# Where there is no wheel of Pillow it would be compiled, for minutes and often in vain, and the
# server can do without it: so all else comes first.
leave_pillow_out() {
    others=.venv/without-pillow
    mkdir -p "$others"
    for file in requirements*.txt; do
        sed '/^pillow==/d' "$file" >"$others/$file"
    done
}

# install_pillow OPTION …
install_pillow() {
    pip_install --only-binary=pillow "$@" --requirement requirements.txt || printf '\n%s\n' \
        "注意：没有装上 Pillow（见上），图片将按文件发送，没有缩略图。其余都已装好；办法见 manage.py doctor。" \
        "Note: Pillow could not be installed, see above: pictures will be sent as files, without previews. All else is installed; manage.py doctor tells what to do." >&2
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

check_wheels_are_whole() {
    (cd "$wheels" && sha256sum --quiet --check SHA256SUMS) || fail \
        "wheels/ 不完整或已损坏，请重新复制并解压。" "wheels/ is damaged or not whole: copy and unpack the archive again."
}

# Without the network. Only they are for Linux with glibc, and tests need more than is in them.
install_from_wheels() {
    check_wheels_are_whole
    set -- --no-index --find-links "$wheels" --requirement "$others/requirements.txt"
    if pip_install "$@"; then
        install_pillow --no-index --find-links "$wheels"
        return
    fi
    ! pip_install --dry-run --ignore-installed "$@" >/dev/null 2>&1 || fail \
        "依赖安装失败（见上）：请检查磁盘。" "The requirements could not be installed, see above: check the disk."
    which=$(.venv/bin/python -c 'import platform as p; print("Python", p.python_version(), p.machine())')
    fail "wheels/ 里没有适合 $which 的软件包，只有 Python 3.11 至 3.13、x86_64 和 aarch64（glibc）的。" \
        "换一个 Python：rm -r .venv; PYTHON=python3.13 sh deploy/run.sh；或删去 wheels/，改从网络安装。" \
        "wheels/ has nothing for $which: it is for Python 3.11 to 3.13 on x86_64 and aarch64 with glibc." \
        "Take another Python, as above, or remove wheels/ to install from the network."
}
