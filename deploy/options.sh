# Sourced by install.sh: what was asked for, all of it checked before anything is written.

usage() {
    cat <<'END'
sudo sh deploy/install.sh [选项 / options]

  --site-url URL      网址 / the address people type: https://www.example.com/chat,
                      http://192.168.1.100; '' 局域网 / a LAN without a name
  --data-dir DIR      数据目录 / the folder of the data (/var/lib/webchat)
  --mail off|qq|smtp  邮件 / mail; asks for what is missing, or takes it from the environment:
                      QQ_EMAIL QQ_MAIL_PASSWORD | SMTP_HOST SMTP_PORT SMTP_USER SMTP_PASSWORD
                      or EMAIL_URL
  --nginx own|beside|none
                      own: 独立站点 / a site of its own, with TLS if the address is https
                      beside: 与已有网站同用一个域名 / locations for a server block that is there
                      none: 不动 nginx / nginx is left alone, the chat listens on a port
  --port PORT         none 用的端口 / the port of none (8000)
  --certificate FILE --key FILE
                      own 用的证书 / the certificate of the site; else that of Let's Encrypt
  --from DIR          接替旧程序 / take over from the program in DIR: its data, port and address
  --rename OLD=NEW, --timezone ZONE, --trust-mail
                      旧程序的数据怎样导入 / how its data are imported: see import_legacy --help
  --dry-run           只打印 / print what would be done
  --renew             只更新 systemd 的单元，不重启 / only bring the units of systemd up to date
  --uninstall         卸载，保留数据 / remove everything but the data and .env; what --from
                      took over is put back
  --undo              同上，仅用于撤销 --from / the same, only where --from is to be undone

没有给的选项沿用上次的 / What is not given stays as it was.
sudo sh deploy/install.sh --site-url https://chat.example.com --nginx own
END
}

read_options() {
    site_url= data_dir= mail= nginx= port= certificate= key= from= dry= uninstall=
    given_site_url= given_data_dir= given_mail= given_nginx= given_port=
    given_certificate= given_key= given_from= renew= import_options=
    while [ $# -gt 0 ]; do
        case $1 in
        --*=*)
            option=$1
            shift
            set -- "${option%%=*}" "${option#*=}" "$@"
            ;;
        esac
        case $1 in
        --site-url | --data-dir | --mail | --nginx | --port | --certificate | --key | --from)
            case ${2-"--"} in
            --*) fail "$1 缺少值。" "$1 needs a value." ;;
            esac
            name=$(echo "${1#--}" | tr - _)
            eval "$name=\$2; given_$name=yes"
            shift
            ;;
        --rename | --timezone)
            case ${2-"--"} in
            --* | *'
'*) fail "$1 缺少值。" "$1 needs a value." ;;
            esac
            add_import_option "$1=$2"
            shift
            ;;
        --trust-mail) add_import_option "$1" ;;
        --dry-run) dry=yes ;;
        --renew) renew=yes ;;
        --uninstall | --undo) uninstall=${1#--} ;;
        --help | -h)
            usage
            exit
            ;;
        *)
            usage >&2
            fail "不认识的选项：$1" "Unknown option: $1"
            ;;
        esac
        shift
    done
}

# One a line: names may hold spaces.
add_import_option() {
    import_options="$import_options$1
"
}

# ask VARIABLE QUESTION DEFAULT: only on a terminal, and only what no option has said.
ask() {
    eval "value=\$$1"
    if [ -z "$value" ] && [ -t 0 ] && [ -z "$dry" ]; then
        printf '%s [%s]: ' "$2" "$3"
        read -r value
    fi
    eval "$1=\${value:-\$3}"
}

ask_unseen() {
    [ ! -t 0 ] || stty -echo
    ask "$1" "$2" ""
    [ ! -t 0 ] || stty echo
}

# from_where FILE: absolute, as it was meant in the folder where install.sh was called.
from_where() {
    case $1 in
    '' | /*) echo "$1" ;;
    *) echo "$called_in/$1" ;;
    esac
}

complete_options() {
    find_python
    [ "$(readlink -m "$home")" != "$(readlink -m "$code")" ] || fail \
        "$home 是安装的目标，程序要放在别的文件夹。" "$home is where it is installed to: put the code into another folder."
    [ -z "$from" ] || from=$(readlink -m "$(from_where "$from")")
    proxied= old_unit=
    certificate=$(from_where "$certificate")
    key=$(from_where "$key")
    [ -z "$given_from" ] || look_at_old_program
    [ -n "$given_site_url" ] || site_url=${site_url:-$(env_value SITE_URL)}
    # An empty address that was given means the LAN.
    [ -n "$given_site_url" ] ||
        ask site_url "网址，例如 https://www.example.com/chat（局域网可留空）/ Address (empty on a LAN)" ""
    data_dir=${data_dir:-$(env_value DATA_DIR)}
    ask data_dir "数据目录 / Folder of the data" /var/lib/webchat
    mail=${mail:-$(known MAIL_MODE)}
    ask mail "邮件 off、qq 或 smtp / Mail: off, qq or smtp" off
    nginx=${nginx:-$(nginx_before)}
    ask nginx "nginx：own（独立站点）、beside（已有网站）、none" "$([ -n "$site_url" ] && echo own || echo none)"
    port=${port:-$(default PORT 8000)}
    if [ "$nginx" != none ]; then
        proxied=
    elif [ "$(nginx_before)" = none ]; then
        proxied=${proxied:-$(kept proxied)}
    fi
    if [ -z "$given_certificate$given_key" ]; then
        certificate=$(kept certificate)
        key=$(kept key)
    fi
}

check_options() {
    [ -z "$import_options" ] || [ "${old_kind:-}" = flask ] || fail \
        "--rename、--timezone、--trust-mail 只用于 --from 接替 Flask 旧程序。" \
        "--rename, --timezone and --trust-mail are for the data of the Flask program, with --from."
    case $nginx in
    own | beside | none) ;;
    *) fail "--nginx 只能是 own、beside 或 none，不是：$nginx" "--nginx is own, beside or none, not: $nginx" ;;
    esac
    check_site
    check_data_dir
    check_port
    check_nginx
    check_certificate
    check_unit
    check_mail
}

check_site() {
    scheme= host= site_port= prefix=
    if [ -z "$site_url" ]; then
        [ "$nginx" = none ] || fail "放在 nginx 后面需要 --site-url。" "Behind nginx --site-url is needed."
        return 0
    fi
    parts=$("$python" deploy/facts.py site "$site_url") || fail \
        "网址要写成 https://chat.example.com、https://www.example.com/chat 或 http://192.168.1.100 的样子，不是：$site_url" \
        "The address must look like https://chat.example.com, https://www.example.com/chat or http://192.168.1.100, not: $site_url"
    {
        read -r site_url
        read -r scheme
        read -r host
        read -r site_port
        read -r prefix || true
    } <<END
$parts
END
}

check_data_dir() {
    case $data_dir in
    # In a unit of systemd, and on the way there through sed, these mean something.
    /*[[:space:]\|\&%\\\"\']*)
        fail "数据目录不能含空格、引号、| & % \\。" \
            "The folder of the data may not hold spaces, quotation marks, |, &, % or \\."
        ;;
    /?*) ;;
    *) fail "数据目录要写绝对路径，不是：$data_dir" "The folder of the data must be an absolute path, not: $data_dir" ;;
    esac
    data_dir=$(readlink -m "$data_dir")
    case $data_dir/ in
    "$home/" | "$home/static/"* | "$home/releases/"* | "$home/current/"*)
        fail "数据目录要另选：$data_dir 不能对他人关闭。" \
            "The folder of the data must be another one: $data_dir cannot be closed to others."
        ;;
    esac
    if [ -n "$("$python" deploy/facts.py folder "$data_dir")" ] || belongs_to_others "$data_dir"; then
        fail "数据目录须是专用的空文件夹：$data_dir 里有别的东西。" \
            "The folder of the data must be one of its own: there is something else in $data_dir."
    fi
    [ "$data_dir" != "${old_data:-}" ] || fail "新旧数据目录不能相同：$data_dir" \
        "The data cannot be taken over within the same folder: $data_dir"
    before=$(env_value DATA_DIR)
    if [ -e "$before/db.sqlite3" ] && [ ! -e "$data_dir/db.sqlite3" ]; then
        fail "数据在 $before。请先停止服务并移动：sudo mv $before $data_dir" \
            "The data are in $before: stop the service, then move them: sudo mv $before $data_dir"
    fi
    ! is_hidden || fail "服务看不到 $data_dir（/home、/root、/tmp 等），请另选。" \
        "The service does not see $data_dir, being below /home, /root, /run/user or /tmp: choose another folder."
}

# As ProtectHome and PrivateTmp of webchat.service have it.
is_hidden() {
    case $data_dir/ in
    /home/* | /root/* | /run/user/* | /tmp/* | /var/tmp/*) ;; # noqa: S108
    *) false ;;
    esac
}

# Whether a folder holds files and is none of ours: it would be closed to their owners.
belongs_to_others() {
    [ -n "$(ls -A "$1" 2>/dev/null)" ] && [ ! -e "$1/db.sqlite3" ] &&
        [ "$(stat -c %U "$1")" != webchat ]
}

check_port() {
    check_number "$port"
    if [ "$nginx" != none ]; then
        [ -z "$given_port" ] || fail "--port 只用于 --nginx none：有 nginx 时网址里写端口。" \
            "--port is for --nginx none only: behind nginx the port is part of the address."
        return 0
    fi
    refuse_holders "$port" "请停止它，或用 --port 另选端口" "stop it, or choose another with --port"
}

check_number() {
    case $1 in
    '' | *[!0-9]* | ??????*) wrong_port "$1" ;;
    esac
    [ "$1" -ge 1 ] && [ "$1" -le 65535 ] || wrong_port "$1"
}

wrong_port() {
    fail "端口要是 1 到 65535 的数字，不是：$1" "The port must be a number from 1 to 65535, not: $1"
}

# refuse_holders PORT ADVICE ADVICE: fail if another program listens there.
refuse_holders() {
    "$python" deploy/facts.py listener "$1" | while read -r pid unit name; do
        ! may_listen "$1" "$name" "$unit" || continue
        fail "端口 $1 已被 $name（进程 $pid，$unit）占用：$2。" \
            "Port $1 is taken by $name (process $pid, $unit): $3."
    done
}

# may_listen PORT NAME UNIT: whether it will have gone from there, or is who shall listen.
may_listen() {
    case $nginx:$2:$3 in
    none:*:webchat.service) [ -n "$from" ] || is_ours webchat.service ;;
    none:*:"${old_unit:--}.service") true ;;
    none:nginx:*) [ "$(nginx_before):$(site_port_before)" = "own:$1" ] ;;
    own:nginx:*) true ;;
    own:*:webchat.service) is_ours webchat.service ;;
    *) false ;;
    esac
}

site_port_before() {
    "$python" deploy/facts.py site "$(env_value SITE_URL)" | sed -n 4p
}

check_nginx() {
    [ "$nginx" != none ] || return 0
    find_nginx || fail "没有 nginx：sudo apt install nginx" "nginx is missing: sudo apt install nginx"
    # What is wrong with our own files will be mended.
    if [ "$(id -u)" -eq 0 ] && ! said=$(nginx_is_sound 2>&1) && ! echo "$said" | grep -q webchat; then
        fail "nginx 的设置本来就有错，请先改好：" "The configuration of nginx is wrong already, mend it first:" "$said"
    fi
    theirs=$(in_the_way)
    [ -z "$theirs" ] || fail "这些文件属于别的网站，本程序要用这个名字，请先改名：" \
        "These files are of another site, and their names are needed here: rename them first." "$theirs"
    [ "$nginx" = own ] || return 0
    [ ! -e "$nginx_folder/nginx.conf" ] || grep -q sites-enabled "$nginx_folder/nginx.conf" || fail \
        "/etc/nginx/nginx.conf 不读取 sites-enabled：请加上 include /etc/nginx/sites-enabled/*;" \
        "/etc/nginx/nginx.conf does not read sites-enabled: add include /etc/nginx/sites-enabled/*; to it."
    set -- "$site_port"
    [ "$scheme:$site_port" != https:443 ] || set -- 80 443
    for each in "$@"; do
        refuse_holders "$each" "nginx 需要它" "nginx needs it"
    done
}

check_certificate() {
    if [ "$nginx:$scheme" != own:https ]; then
        [ -z "$given_certificate$given_key" ] || fail "证书只用于 --nginx own 和 https 网址。" \
            "A certificate is for --nginx own and an address with https."
        return 0
    fi
    command -v openssl >/dev/null || fail "没有 openssl：sudo apt install openssl" \
        "openssl is missing: sudo apt install openssl"
    [ -n "$certificate$key" ] || return 0
    for each in "$certificate" "$key"; do
        case $each in
        '') fail "--certificate 和 --key 要一起给。" "--certificate and --key go together." ;;
        *[!A-Za-z0-9./_@+-]*) fail "证书路径里有不能用的字符：$each" "This path holds characters that nginx cannot take: $each" ;;
        esac
        [ -r "$each" ] || fail "读不到文件：$each" "This file cannot be read: $each"
    done
    of_certificate=$(openssl x509 -noout -pubkey -in "$certificate" 2>/dev/null) || of_certificate=
    of_key=$(openssl pkey -pubout -in "$key" -passin pass: 2>/dev/null) || of_key=none
    [ "$of_certificate" = "$of_key" ] || fail \
        "证书和密钥不配对，或不是 PEM 文件：$certificate、$key" \
        "The certificate and the key do not belong together, or are no PEM files: $certificate, $key"
}

check_unit() {
    [ ! -e "$units/webchat.service" ] || is_ours webchat.service || [ -n "$from" ] || fail \
        "已有另一个程序的 webchat.service：要接替它，用 --from 指出它的目录。" \
        "There is a webchat.service of another program: to take it over, name its folder with --from."
}

check_mail() {
    case $mail in
    off | console) ;;
    qq)
        qq_email=${QQ_EMAIL:-$(known QQ_EMAIL)}
        qq_mail_password=${QQ_MAIL_PASSWORD:-$(known QQ_MAIL_PASSWORD)}
        ask qq_email "QQ 邮箱地址 / QQ mail address" ""
        ask_unseen qq_mail_password "授权码（不显示）/ Authorisation code (not shown)"
        if [ -z "$qq_mail_password" ] || ! is_mail_address "$qq_email"; then
            fail "--mail qq 需要 QQ_EMAIL（如 10001@qq.com）和 QQ_MAIL_PASSWORD。" \
                "--mail qq needs QQ_EMAIL (such as 10001@qq.com) and QQ_MAIL_PASSWORD."
        fi
        is_one_line "$qq_mail_password" || fail "QQ_MAIL_PASSWORD 里不能有空格或换行。" \
            "QQ_MAIL_PASSWORD may hold no spaces and no line breaks."
        ;;
    smtp) check_smtp ;;
    *) fail "--mail 只能是 off、qq 或 smtp，不是：$mail" "--mail is off, qq or smtp, not: $mail" ;;
    esac
}

is_mail_address() {
    case $1 in
    *[[:space:]]* | *@*@*) false ;;
    ?*@?*) true ;;
    *) false ;;
    esac
}

is_one_line() {
    case $1 in
    *[[:space:]]*) false ;;
    *) true ;;
    esac
}

check_smtp() {
    email_url=${EMAIL_URL:-}
    if [ -z "$email_url" ] && [ -z "${SMTP_HOST:-}" ]; then
        email_url=$(known EMAIL_URL)
    fi
    if [ -z "$email_url" ]; then
        smtp_host=${SMTP_HOST:-} smtp_port=${SMTP_PORT:-} smtp_user=${SMTP_USER:-}
        smtp_password=${SMTP_PASSWORD:-}
        ask smtp_host "邮件服务器 / Mail server, such as smtp.example.com" ""
        ask smtp_port "端口 / Port" 465
        ask smtp_user "账号 / User" ""
        [ -z "$smtp_user" ] || ask_unseen smtp_password "密码（不显示）/ Password (not shown)"
        email_url=$(SMTP_HOST=$smtp_host SMTP_PORT=$smtp_port SMTP_USER=$smtp_user \
            SMTP_PASSWORD=$smtp_password "$python" deploy/facts.py mail-url) || email_url=
        [ -z "$smtp_user" ] || [ -n "$smtp_password" ] || email_url=
    fi
    # Without the value: it holds a password.
    printf '%s' "$email_url" | grep -Eqx 'smtp(\+tls|\+ssl)?://([^@[:space:]/]+@)?[A-Za-z0-9.-]+(:[0-9]{1,5})?/?' || fail \
        "--mail smtp 需要 SMTP_HOST、SMTP_PORT（465 或 587）、SMTP_USER、SMTP_PASSWORD，或 EMAIL_URL（如 smtp+tls://user%40example.com:password@smtp.example.com:587）。" \
        "--mail smtp needs SMTP_HOST, SMTP_PORT (465 or 587), SMTP_USER and SMTP_PASSWORD, or EMAIL_URL (such as smtp+tls://user%40example.com:password@smtp.example.com:587)."
}
