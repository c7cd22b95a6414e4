# Shared by run.sh and test.sh, which source it in the project's folder.

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
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        fail "缺少 Python 的 venv 模块：sudo apt install python3-venv" \
            "Python's venv module is missing: sudo apt install python3-venv"
    fi
    echo "正在创建 .venv … / Making .venv …"
    "$python" -m venv --clear .venv || fail "无法创建 .venv。" "The folder .venv could not be made."
}

# install FILE: once for each content of the requirement files.
install() {
    stamp=".venv/$1.stamp"
    wanted=$(cat requirements*.txt | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "正在安装依赖（$1）… / Installing the requirements ($1) …"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$1" || fail \
        "依赖安装失败：请检查网络；可用环境变量 PIP_INDEX_URL 指定镜像。" \
        "The requirements could not be installed: check the network, or name a mirror in PIP_INDEX_URL."
    echo "$wanted" >"$stamp"
}
