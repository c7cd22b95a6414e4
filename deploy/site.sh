# Sourced by install.sh: the files of nginx, as they shall be for this --nginx.

of_nginx="conf.d/webchat.conf snippets/webchat-proxy.conf snippets/webchat.conf
    snippets/webchat-site.conf sites-available/webchat.conf"
enabled=sites-enabled/webchat.conf
nginx_folder=${WEBCHAT_ETC:-/etc}/nginx
letsencrypt=${WEBCHAT_ETC:-/etc}/letsencrypt/live
self_signed=$nginx_folder/webchat-self-signed

# The --nginx of the last run; one of an earlier version has kept no install.conf.
nginx_before() {
    before=$(kept nginx)
    if [ -n "$before" ]; then
        echo "$before"
    elif is_our_nginx sites-available/webchat.conf; then
        echo own
    elif is_our_nginx snippets/webchat-proxy.conf; then
        echo beside
    elif is_ours webchat.service; then
        echo none
    fi
}

# Whether a file below /etc/nginx is ours, by what each of ours says of itself: the site of somebody
# else may well be called webchat.conf.
is_our_nginx() {
    grep -Eqs '^# (.* as|As) /etc/nginx/[a-z.-]+/webchat|^# webchat is not here any more' "$nginx_folder/$1"
}

is_their_nginx() {
    [ -e "$nginx_folder/$1" ] && ! is_our_nginx "$1"
}

# Theirs among the names that this --nginx needs.
in_the_way() {
    for each in $of_nginx $enabled; do
        case $nginx:$each in
        own:snippets/webchat.conf | beside:*/webchat-site.conf | beside:sites-*) ;;
        *) ! is_their_nginx "$each" || echo "$nginx_folder/$each" ;;
        esac
    done
}

find_nginx() {
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]
}

nginx_is_sound() {
    PATH=$PATH:/usr/sbin nginx -q -t
}

# The locations, for a prefix or for a whole site.
locations() {
    if [ -n "$prefix" ]; then
        sed -e "s|/chat\([ /]\)|$prefix\1|" deploy/nginx/locations.conf
    else
        sed -e '/^location = \/chat {/,/^}/d' -e 's|/chat/|/|' deploy/nginx/locations.conf
    fi | sed -e "s|/srv/webchat|$home|" -e "s|/var/lib/webchat|$data_dir|" | as_the_server_block
}

# What a site of its own says of https; that of somebody else may say something else, or nothing.
as_the_server_block() {
    if [ "$nginx:$scheme" = own:https ]; then
        cat
    else
        sed -e '/Strict-Transport-Security/d'
    fi
}

# The content that a file below /etc/nginx shall have; nothing if it shall not be there.
nginx_file() {
    case $nginx:$1 in
    own:conf.d/* | beside:conf.d/*) cat deploy/nginx/http.conf ;;
    own:*/webchat-proxy.conf | beside:*/webchat-proxy.conf) cat deploy/nginx/proxy.conf ;;
    own:*/webchat-site.conf | beside:snippets/webchat.conf) locations ;;
    own:sites-available/*) own_site | for_this_kernel | for_this_nginx ;;
    *:snippets/webchat.conf) ! is_included || cat deploy/nginx/nothing.conf ;;
    esac
}

# Whether a server block of somebody else includes the snippet, and would break without it.
is_included() {
    # Ours speak of it in their comments.
    grep -RsE '^[^#]*snippets/webchat\.conf' "$nginx_folder" >/dev/null
}

own_site() {
    if [ "$scheme" = http ]; then
        sed -e "s|listen \(.*\)80;|listen \1$site_port;|" -e "s|chat.example.com|$host|" deploy/nginx/plain.conf
        return
    fi
    {
        [ "$site_port" != 443 ] || cat deploy/nginx/redirect.conf
        sed -e "s|listen \(.*\)443 |listen \1$site_port |" deploy/nginx/site.conf
    } | sed -e "s|/etc/letsencrypt/live/chat.example.com/fullchain.pem|$site_certificate|" \
        -e "s|/etc/letsencrypt/live/chat.example.com/privkey.pem|$site_key|" -e "s|chat.example.com|$host|"
}

# Where there is no IPv6, nginx would not start.
for_this_kernel() {
    if [ -e /proc/net/if_inet6 ]; then
        cat
    else
        sed -e '/listen \[::\]/d'
    fi
}

# Since 1.25.1 http2 is a directive of its own, and the earlier form is warned about.
for_this_nginx() {
    version=$(PATH=$PATH:/usr/sbin nginx -v 2>&1 | sed -n 's|.*nginx/\([0-9.]*\).*|\1|p')
    if [ -n "$version" ] && printf '%s\n' 1.25.1 "$version" | sort -C -V; then
        sed -e 's/ ssl http2;/ ssl;/' -e 's/^\( *\)ssl_protocols /\1http2 on;\n&/'
    else
        cat
    fi
}

settle_nginx() {
    find_nginx || [ -d "$nginx_folder" ] || return 0
    rm -f "$scratch/changed"
    [ -n "$planning" ] || remember_nginx
    choose_certificate
    # A link to nothing would break nginx, so it goes before its file and comes after it.
    [ "$nginx" = own ] || disable_site
    settle_files_of_nginx
    [ "$nginx" != own ] || enable_site
    case $nginx in
    own | beside) tell_nginx ;;
    # It may be broken by somebody else, and none of ours is in it.
    *) [ ! -e "$scratch/changed" ] || tell_nginx ;;
    esac
}

settle_files_of_nginx() {
    for each in $of_nginx; do
        is_their_nginx "$each" || nginx_file "$each" | settle "$nginx_folder/$each"
    done
}

enable_site() {
    [ "$(readlink "$nginx_folder/$enabled")" = ../sites-available/webchat.conf ] ||
        run ln -sfn ../sites-available/webchat.conf "$nginx_folder/$enabled"
}

disable_site() {
    is_our_nginx "$enabled" || is_left_link || return 0
    : >"$scratch/changed"
    run rm -f "$nginx_folder/$enabled"
}

# Of a run that was killed.
is_left_link() {
    [ ! -e "$nginx_folder/$enabled" ] && [ "$(readlink "$nginx_folder/$enabled")" = ../sites-available/webchat.conf ]
}

tell_nginx() {
    find_nginx || return 0
    if [ -z "$planning" ] && ! nginx_is_sound; then
        if [ -z "$was_sound" ] && [ "$nginx" != own ] && [ "$nginx" != beside ]; then
            say "nginx 的设置本来就有错，没有重新加载 / nginx was wrong before, and is not reloaded"
            return 0
        fi
        put_back_nginx || true
        fail "nginx 不接受这些设置（见上），已恢复原样。改好后再运行一次。" \
            "nginx refuses its configuration, see above: it is as it was. Mend it, then run this again."
    fi
    if has_systemd && { [ "$nginx" = own ] || [ "$nginx" = beside ] || systemctl is-active --quiet nginx; }; then
        run systemctl reload-or-restart nginx
    fi
}

remember_nginx() {
    rm -rf "$scratch/nginx"
    mkdir "$scratch/nginx"
    was_sound=yes
    ! find_nginx || nginx_is_sound 2>/dev/null || was_sound=
    for each in $of_nginx "$enabled"; do
        [ ! -e "$nginx_folder/$each" ] && [ ! -L "$nginx_folder/$each" ] || {
            mkdir -p "$scratch/nginx/$(dirname "$each")"
            cp -a "$nginx_folder/$each" "$scratch/nginx/$each"
        }
    done
    : >"$scratch/nginx/whole"
}

# Whether there was something to put back.
put_back_nginx() {
    [ -e "$scratch/nginx/whole" ] || return 1
    for each in $of_nginx "$enabled"; do
        ! is_their_nginx "$each" || continue
        rm -f "$nginx_folder/$each"
        [ ! -e "$scratch/nginx/$each" ] && [ ! -L "$scratch/nginx/$each" ] ||
            cp -a "$scratch/nginx/$each" "$nginx_folder/$each"
    done
    return 0
}

# The one that was given, that of Let's Encrypt, or one that says only what the machine is called.
choose_certificate() {
    [ "$nginx:${scheme:-}" = own:https ] || return 0
    site_certificate=$certificate site_key=$key
    if [ -z "$certificate" ] && [ -e "$letsencrypt/$host/fullchain.pem" ]; then
        site_certificate=$letsencrypt/$host/fullchain.pem site_key=$letsencrypt/$host/privkey.pem
    elif [ -z "$certificate" ]; then
        site_certificate=$self_signed.pem site_key=$self_signed.key
        make_certificate
    fi
}

make_certificate() {
    name=$(echo "$host" | tr -d '[]')
    kind=DNS check=-checkhost
    ! echo "$host" | grep -Eqx '[0-9.]+|\[.*\]' || kind=IP check=-checkip
    # One that ends within 30 days is made again.
    if ! openssl x509 -noout -checkend 2592000 -in "$self_signed.pem" >/dev/null 2>&1 ||
        ! openssl x509 -noout "$check" "$name" -in "$self_signed.pem" 2>/dev/null | grep -q "does match"; then
        (
            umask 077
            run openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "/CN=$name" \
                -addext "subjectAltName=$kind:$name" -keyout "$self_signed.key" -out "$self_signed.pem" 2>/dev/null
        )
    fi
    hint=certificate
}
