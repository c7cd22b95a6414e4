# Sourced by install.sh: the two files that it writes NAME=VALUE into. .env is the server's and
# may be edited by hand; install.conf is what install.sh was last asked for.

# value_of FILE NAME: as the server reads it, which takes off quotation marks, and what Windows ends lines by.
value_of() {
    sed -n -e 's/\r$//' -e "s/^\(export \)\{0,1\}$2=//p" "$1" 2>/dev/null | tail -n 1 |
        sed -e "s/^'\(.*\)'$/\1/" -e t -e '/^"\(.*\)"$/{s//\1/;s/\\\(.\)/\1/g}'
}

env_value() {
    value_of "$home/.env" "$1"
}

kept() {
    value_of "$home/install.conf" "$1"
}

# set_value FILE NAME VALUE: in place of the line of that name, or at the end; nothing else changes.
set_value() {
    [ "$(value_of "$1" "$2")" != "$3" ] || return 0
    if [ -n "$planning" ]; then
        case $2 in
        *KEY | *PASSWORD | EMAIL_URL) echo "+ $1: $2=…" ;;
        *) echo "+ $1: $2=$3" ;;
        esac
        return
    fi
    (
        umask 077
        { grep -av "^\(export \)\{0,1\}$2=" "$1" || true; printf '%s=%s\n' "$2" "$3"; } >"$1.new"
    )
    chown --reference="$1" "$1.new"
    mv "$1.new" "$1"
}

set_env() {
    set_value "$home/.env" "$1" "$2"
}

keep() {
    set_value "$home/install.conf" "$1" "$2"
}

# The setting as it is here, else as the program has it that is taken over.
known() {
    value=$(env_value "$1")
    [ -n "$value" ] || [ "${old_kind:-}" != webchat ] || value=$(value_of "$from/.env" "$1")
    echo "$value"
}

# Whether what was asked for has a proxy before the server: the only ones who speak https.
implied_proxy() {
    if [ "$nginx" != none ] || [ "$scheme" = https ] || [ -n "$proxied" ]; then
        echo on
    else
        echo off
    fi
}

# What the last run implied; one of an earlier version has kept no install.conf. Where nothing is
# installed, a setting was brought along from another machine, and stays.
proxy_before() {
    last=$(nginx_before)
    if [ -e "$home/install.conf" ]; then
        kept behind_proxy
    elif [ "$last" = "$nginx" ] || { [ -z "$last" ] && [ -n "$(env_value BEHIND_PROXY)" ]; }; then
        implied_proxy
    fi
}

# For whoever installs again: what was implied is no setting of theirs.
forget_implied_proxy() {
    [ -z "$(env_value BEHIND_PROXY)" ] || [ "$(env_value BEHIND_PROXY)" != "$(kept behind_proxy)" ] ||
        set_env BEHIND_PROXY ""
}

say_what_stays() {
    stays=$(env_value BEHIND_PROXY)
    [ -z "$planning" ] || [ -z "$stays" ] || [ "$stays" = "$(implied_proxy)" ] ||
        say "沿用手写的 / Set by hand, and stays: BEHIND_PROXY=$stays"
}

make_file() {
    [ ! -e "$1" ] || return 0
    if [ -n "$planning" ]; then
        echo "+ $1 (0600)"
    else
        (umask 077 && : >"$1")
        chown "$2" "$1"
    fi
}

write_settings() {
    [ -n "$planning" ] || remember_settings
    before=$(proxy_before)
    make_file "$home/.env" webchat:webchat
    make_file "$home/install.conf" root:root
    [ "${old_kind:-}" != webchat ] || adopt_settings
    [ -n "$(env_value SECRET_KEY)" ] ||
        set_env SECRET_KEY "$(od -An -N48 -tx1 /dev/urandom | tr -d ' \n')"
    set_env SITE_URL "$site_url"
    set_env DATA_DIR "$data_dir"
    [ "${port:-8000}" = "$(default PORT 8000)" ] || set_env PORT "$port"
    # Only when it differs from what the last run implied: what was set by hand since then stays.
    if [ "$before" = "$(implied_proxy)" ]; then
        say_what_stays
    else
        set_env BEHIND_PROXY "$(implied_proxy)"
    fi
    [ "$mail" = "$(default MAIL_MODE off)" ] || set_env MAIL_MODE "$mail"
    if [ "$mail" = qq ]; then
        set_env QQ_EMAIL "$qq_email"
        set_env QQ_MAIL_PASSWORD "$qq_mail_password"
    elif [ "$mail" = smtp ]; then
        set_env EMAIL_URL "$email_url"
    fi
    keep nginx "$nginx"
    keep certificate "$certificate"
    keep key "$key"
    keep proxied "$proxied"
    keep behind_proxy "$(implied_proxy)"
}

default() {
    value=$(env_value "$1")
    echo "${value:-$2}"
}

# The settings as they were, in case the release refuses the new ones.
remember_settings() {
    settings_before=$scratch/settings
    mkdir "$settings_before"
    for each in .env install.conf; do
        [ ! -e "$home/$each" ] || cp -p "$home/$each" "$settings_before/"
    done
}

put_back_settings() {
    [ -n "${settings_before:-}" ] || return 0
    for each in .env install.conf; do
        if [ -e "$settings_before/$each" ]; then
            cp -p "$settings_before/$each" "$home/$each"
        else
            rm -f "$home/$each"
        fi
    done
    settings_before=
}
