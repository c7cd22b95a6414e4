#!/bin/sh
# 一条命令启动聊天服务：sh deploy/run.sh
# Starts the chat with one command: makes what is missing, updates what has changed, then serves.
set -eu
# Files made here are for the user who runs it alone.
umask 077
CDPATH='' cd -- "$(dirname -- "$0")/.."
. deploy/setup.sh
# Not whatever another project has left in this shell.
export DJANGO_SETTINGS_MODULE=webchat.settings

# What root makes here its owner could neither update nor delete. An owner who cannot even enter the
# folder has come with an archive.
refuse_root() {
    [ "$(id -u)" -eq 0 ] || return 0
    owner=$(stat -c %U .)
    if [ "$owner" != root ] && runuser -u "$owner" -- test -r "$PWD/manage.py" 2>/dev/null; then
        fail "本目录属于 $owner，请以该用户运行：sudo -u $owner sh deploy/run.sh" \
            "This folder belongs to $owner, so run it as that user: sudo -u $owner sh deploy/run.sh"
    fi
}

make_env() {
    if [ ! -e .env ]; then
        : >.env
        echo "已生成 .env（内含随机密钥，请保密）。/ Made .env with a random secret: keep it."
    fi
    # Present, but copied from .env.example without a key: one is added, nothing replaced.
    if ! grep -Eq '^(export )?SECRET_KEY=.' .env && [ -z "${SECRET_KEY:-}" ]; then
        chmod go-rwx .env
        key=$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(48))')
        printf '\nSECRET_KEY=%s\n' "$key" >>.env
    fi
}

refuse_root
check_writable
make_venv
install requirements.txt
make_env
.venv/bin/python manage.py prepare
# gunicorn reads this one too, and does not know that empty means the default.
[ -n "${WEB_CONCURRENCY:-}" ] || unset WEB_CONCURRENCY
exec .venv/bin/python -m gunicorn --config deploy/gunicorn.conf.py
