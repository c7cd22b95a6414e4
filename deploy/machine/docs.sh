# Sourced by recipes.py: what the papers take for granted of a machine, and looks at what their
# commands have done. Of the programs that need the Internet or a person there are stand-ins.

. /check/code/deploy/machine/looks.sh
. /check/code/deploy/machine/states.sh

installed() {
    sh /code/deploy/install.sh --nginx none --site-url '' --mail off </dev/null >/dev/null 2>&1
}

manage() {
    (cd $home/current && .venv/bin/python manage.py "$@")
}

# ask_data SQL
ask_data() {
    python3 -c 'import sqlite3, sys
print(*[row[0] for row in sqlite3.connect("/var/lib/webchat/db.sqlite3").execute(sys.argv[1])])' "$1"
}

# --- Stand-ins, where sudo looks first; each knows the one thing that it is asked for ---

stand_in() {
    { printf '#!/bin/sh\nset -eu\n'; cat; } >"/usr/local/sbin/$1"
    chmod 755 "/usr/local/sbin/$1"
}

make_stand_ins() {
    # No sudo passes the settings of pip on.
    printf '[global]\nno-index = true\nfind-links = /wheels\n' >/etc/pip.conf
    stand_in apt <<'END'
[ "$1" = install ] && shift
for each in "$@"; do
    case $each in
    python3 | python3-venv | nginx | openssl | certbot) ;;
    *) exit 1 ;;
    esac
done
END
    stand_in ufw <<'END'
case $* in
"allow 8000/tcp") ss -Hltn "sport = :8000" | grep -q . ;;
"allow Nginx Full") ss -Hltn "sport = :443" | grep -q . ;;
*) exit 1 ;;
esac
END
    # As Let's Encrypt does it: asks for a file, then there is a certificate.
    stand_in certbot <<'END'
[ "$*" = "certonly --webroot -w /var/www/html -d chat.example.com --deploy-hook systemctl reload nginx" ]
mkdir -p /var/www/html/.well-known/acme-challenge /etc/letsencrypt/live/chat.example.com
echo proof >/var/www/html/.well-known/acme-challenge/asked
[ "$(curl --silent http://chat.example.com/.well-known/acme-challenge/asked)" = proof ]
cd /etc/letsencrypt/live/chat.example.com
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=chat.example.com -keyout privkey.pem -out fullchain.pem 2>/dev/null
END
    stand_in nano <<'END'
[ "$*" = /srv/webchat/.env ]
echo REGISTRATION=closed >>"$1"
END
    # The disk that fstab knows; there is none to plug in here.
    stand_in mount <<'END'
[ "$*" = /mnt/usb ]
[ "$(awk '$2 == "/mnt/usb" { print $1, $3, $4 }' /etc/fstab)" = "LABEL=backup ext4 nofail" ]
exec /bin/mount -t tmpfs -o mode=0755 backup /mnt/usb
END
}

# --- What is there before a block ---

make_stick() {
    mkdir -p /mnt/usb
    touch /code/wheels.txt
    tar --transform='s|^\.|webchat-0.1.0|' -C /code -czf /mnt/usb/webchat-0.1.0.tar.gz .
    rm /code/wheels.txt
    (cd /mnt/usb && sha256sum webchat-0.1.0.tar.gz >SHA256SUMS)
}

# put_into_site LINES: into the server block of the blog, beside its locations.
put_into_site() {
    printf '%s\n' "$1" >/tmp/block
    sed -i -e '/# here/r /tmp/block' /etc/nginx/sites-available/blog
}

# What is said of a site that takes all style sheets for itself is for walk.sh to try.
spare_styles() {
    sed -i '/css|js/d' /etc/nginx/sites-available/blog
    systemctl reload nginx
    settled
}

renew() {
    cp /code/webchat/health.py /tmp/health.py
    echo "# new" >>/code/webchat/health.py
}

give_code_back() {
    cp /tmp/health.py /code/webchat/health.py
}

make_teacher() {
    manage shell --verbosity 0 -c \
        "from accounts.models import User; User.objects.create_superuser('teacher', password='ox-Battery-59')"
}

newest_backup() {
    ls /var/lib/webchat/backups/*.tar.gz | tail -n 1
}

name_backup() {
    cp -p "$(newest_backup)" /var/lib/webchat/backups/webchat-20261123-033000Z.tar.gz
    chown webchat: /var/lib/webchat/backups/*
}

make_class() {
    printf '用户名,姓名,邮箱\nwangwei,王伟,wangwei@example.com\nlilei,李雷,\n' >/root/class.csv
}

restore_newest() {
    systemctl stop webchat.service
    manage restore "$(newest_backup)"
    systemctl start webchat.service
}

make_old_talk() {
    manage demo --yes --password ox-Battery-59
    manage shell --verbosity 0 -c "from chat.models import Message
ids = list(Message.objects.order_by('id').values_list('id', flat=True)[:10])
Message.objects.filter(id__in=ids).update(sent_at='2020-01-01T00:00:00Z')"
}

delete_lilei() {
    manage shell --verbosity 0 -c \
        "from accounts import services; from accounts.models import User; services.delete_account(user=User.objects.get(username='lilei'))"
}

make_old_data() {
    mkdir -p /root/old-chat/data/users /root/old-chat/data/friends /root/old-chat/data/messages
    for each in alice bob "Li Lei"; do
        echo "{\"username\": \"$each\", \"password\": \"$each-pw-1\", \"email\": \"\"}" >"/root/old-chat/data/users/$each.json"
    done
    echo '["bob"]' >/root/old-chat/data/friends/alice.json
    echo '["alice"]' >/root/old-chat/data/friends/bob.json
    echo '[{"from": "alice", "text": "早", "time": "2024-05-01T08:00:00.000001Z"}]' \
        >/root/old-chat/data/messages/alice_bob.json
    cp /root/old-chat/data/messages/alice_bob.json /root/old-chat/data/messages/bob_alice.json
}

# --- What a block should have done ---

forget_run() {
    [ -s /code/.env ] || complain "no .env"
    (cd /code && rm -rf .venv .env data staticfiles staticfiles.lock)
}

look_at_certificate() {
    grep -q letsencrypt /etc/nginx/sites-available/webchat.conf || complain "the certificate is not used"
    rm -rf /etc/letsencrypt
}

reload_nginx() {
    nginx -q -t
    systemctl reload nginx
    settled
}

# A stranger, too, is let in before the chat closes the socket with its own reason.
look_at_live() {
    answer=$(page --http1.1 --max-time 3 --output /dev/null --write-out '%{http_code}' -H 'Connection: Upgrade' \
        -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
        -H 'Origin: https://www.example.com' https://www.example.com/chat/live/) || true
    [ "$answer" = 101 ] || complain "no WebSocket gets through: $answer"
}

look_at_teacher() {
    [ "$(ask_data 'SELECT username FROM accounts_user WHERE is_superuser')" = teacher ] || complain "no superuser"
}

look_at_closed() {
    set_to REGISTRATION=closed
    settled
    look_at_service
    look_at_port
}

set_to() {
    grep -qx "$1" $home/.env || complain "$1 is not set"
}

look_at_new() {
    tail -n 1 $home/current/webchat/health.py | grep -q new || complain "not the new release"
}

look_at_kept() {
    [ -n "$(ls -d /var/lib/webchat/before-restore-*)" ] || complain "what was replaced is not kept"
    look_at_teacher
}

look_at_moving() {
    [ -s /mnt/usb/moving.tar.gz ] && [ -s /mnt/usb/moving.env ] || complain "nothing to take along"
    ! systemctl is-active --quiet webchat.service || complain "the server is running"
}

look_at_class() {
    grep -q wangwei /root/slips.html || complain "no slips"
    [ "$(ask_data 'SELECT username FROM accounts_user ORDER BY 1')" = "lilei wangwei" ] || complain "no accounts"
}

look_at_disk() {
    [ -n "$(ls /mnt/usb/webchat/*.tar.gz)" ] || complain "no backup on the disk"
    grep -q '"backup' /var/lib/webchat/nightly.json 2>/dev/null && complain "a nightly backup failed" || true
}

# Without the disk, the nightly must say so and write nothing into the folder.
look_at_missing_disk() {
    umount /mnt/usb
    mkdir -p /mnt/usb/webchat
    chown webchat: /mnt/usb/webchat
    ! systemctl start webchat-nightly.service 2>/dev/null || complain "nobody misses the disk"
    [ -z "$(ls /mnt/usb/webchat)" ] || complain "something was written beside the disk"
    grep -q '"backup --to"' /var/lib/webchat/nightly.json || complain "the record does not say so"
    mount /mnt/usb
    install -d -o webchat -m 700 /mnt/usb/webchat
}

look_at_talk() {
    [ "$(ask_data "SELECT count(*) FROM chat_message WHERE sent_at < '2021'")" = 0 ] || complain "old messages are left"
    manage demo --remove >/dev/null
}
