# Sourced by walk.sh: the states in which a machine may be.

prepare_machine() {
    cp -r /check/code /code
    ip link set lo up
    ip address add 192.168.1.100/32 dev lo
    echo "127.0.0.1 localhost chat.example.com www.example.com" >/etc/hosts
    make_blog
}

# A site that was there before, whose block for static files wants all of them.
make_blog() {
    [ -e /etc/nginx/blog.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=www.example.com \
        -keyout /etc/nginx/blog.key -out /etc/nginx/blog.pem 2>/dev/null
    cat >/etc/nginx/sites-available/blog <<'END'
server {
    listen 443 ssl;
    server_name www.example.com;
    ssl_certificate /etc/nginx/blog.pem;
    ssl_certificate_key /etc/nginx/blog.key;
    location / { default_type text/plain; return 200 "the blog"; }
    location ~* \.(css|js|png)$ { return 404; }
    # here
}
END
    ln -sf ../sites-available/blog /etc/nginx/sites-enabled/blog
    systemctl reload-or-restart nginx
    settled
}

# As install.sh tells people to, who leave the line there for good.
include_snippet() {
    grep -q snippets/webchat.conf /etc/nginx/sites-available/blog ||
        sed -i 's|# here|include snippets/webchat.conf;\n    # here|' /etc/nginx/sites-available/blog
    systemctl reload nginx
    settled
}

# The old workers of nginx go on for a moment after a reload.
settled() {
    sleep 0.3
}

# Releases are made once, and lent to each state after that: they take most of the time.
keep_releases() {
    rm -rf /kept
    mkdir /kept
    cp -a $home/releases $home/static $home/current /kept/
}

# A machine without the chat, except for the code.
make_nothing() {
    systemctl disable --quiet --now webchat.service webchat.socket webchat-nightly.timer talk.service 2>/dev/null || true
    gpasswd --delete www-data webchat >/dev/null 2>&1 || true
    rm -rf /run/theirs /run/systemd/system/webchat.service.d
    rm -rf /etc/systemd/system/webchat* /etc/systemd/system/talk* /srv/webchat /var/lib/webchat /root/webchat /run/webchat.sock
    (cd /etc/nginx && rm -f conf.d/webchat* snippets/webchat* sites-available/webchat* sites-enabled/webchat*)
    systemctl daemon-reload
    make_blog
    mkdir -p $home
    cp -a /kept/. $home/
}

make_handset() {
    quietly_reach none
    sed -i -e '/^BEHIND_PROXY=/d' -e '/^PORT=/d' $home/.env
    printf 'BEHIND_PROXY=on\nPORT=8010\nTIME_ZONE=Europe/Berlin\nWEB_CONCURRENCY=2\n' >>$home/.env
}

make_socket() {
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("/run/webchat.sock")'
}

# An installation of a site of its own that was killed on the way, and one of a release.
make_half() {
    quietly_reach own
    systemctl stop webchat.service webchat.socket
    mkdir $home/releases/20200101-000000
    rm -f /etc/systemd/system/webchat.service /etc/nginx/snippets/webchat-*.conf
    rm -f /etc/systemd/system/sockets.target.wants/webchat.socket
    userdel webchat && chown -R 4711:4711 /var/lib/webchat $home/.env
}

# The first users' program: its unit has the name of ours, its data belong to root, and nginx
# hands over to it without a word on upgrades.
make_flask() {
    mkdir -p /root/webchat/data/users /root/webchat/data/friends /root/webchat/data/messages
    chmod 700 /root/webchat
    (
        cd /root/webchat
        for each in alice bob a; do
            echo "{\"username\": \"$each\", \"password\": \"$each-pw-1\", \"email\": \"\"}" >data/users/$each.json
        done
        echo '["bob"]' >data/friends/alice.json
        echo '["alice"]' >data/friends/bob.json
        echo '[{"from": "alice", "text": "早", "time": "2024-05-01T08:00:00.000001Z"}]' >data/messages/alice_bob.json
        cp data/messages/alice_bob.json data/messages/bob_alice.json
        cat >app.py <<'END'
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the old program")


HTTPServer(("127.0.0.1", 5000), Handler).serve_forever()
END
    )
    cat >/etc/systemd/system/webchat.service <<'END'
[Unit]
Description=The old program
[Service]
WorkingDirectory=/root/webchat
ExecStart=/usr/bin/python3 app.py
[Install]
WantedBy=multi-user.target
END
    sed -i -e 's|# here|location /chat { proxy_pass http://127.0.0.1:5000; proxy_set_header Host $host; }\n    # here|' \
        /etc/nginx/sites-available/blog
    systemctl daemon-reload
    systemctl enable --quiet --now webchat.service
    systemctl reload nginx
    settled
    look_at_flask
}

# Data that the import refuses: it follows no link.
make_unreadable() {
    make_flask
    mv /root/webchat/data/messages /root/webchat/elsewhere
    ln -s ../elsewhere /root/webchat/data/messages
}

# All is well until the new service is started, which this machine will not have.
make_failing() {
    make_flask
    mkdir -p /run/systemd/system/webchat.service.d
    printf '[Service]\nExecStartPre=/bin/grep -q "The old program" /etc/systemd/system/webchat.service\n' \
        >/run/systemd/system/webchat.service.d/failing.conf
    systemctl daemon-reload
}

# The old program has a unit of another name, and a chat of ours serves beside it, which this machine
# will not have on the port of the other.
make_both() {
    make_flask
    systemctl disable --quiet --now webchat.service
    mv /etc/systemd/system/webchat.service /etc/systemd/system/talk.service
    systemctl daemon-reload
    systemctl enable --quiet --now talk.service
    quietly_reach none
    mkdir -p /run/systemd/system/webchat.service.d
    printf '[Service]\nExecStartPre=/bin/sh -c "! grep -qx PORT=5000 /srv/webchat/.env"\n' \
        >/run/systemd/system/webchat.service.d/failing.conf
    systemctl daemon-reload
    look_at_both
}

# The same with a unit that is a link, as `systemctl enable /root/…` makes it.
make_linked() {
    make_flask
    systemctl disable --quiet --now webchat.service
    mv /etc/systemd/system/webchat.service /root/webchat/
    systemctl enable --quiet --now /root/webchat/webchat.service
    look_at_flask
}

# The new service takes long to start: time to cut the take-over short.
make_slow() {
    make_flask
    mkdir -p /run/systemd/system/webchat.service.d
    printf '[Service]\nExecStartPre=/bin/sh -c "grep -q current /etc/systemd/system/webchat.service && sleep 20 || true"\n' \
        >/run/systemd/system/webchat.service.d/slow.conf
    systemctl daemon-reload
}

# A site of somebody else has the name of one of our files.
make_theirs() {
    echo 'server { listen 8081; location / { default_type text/plain; return 200 theirs; } }' >/etc/nginx/conf.d/webchat.conf
    touch /run/theirs
    systemctl reload nginx
    settled
}

# An earlier webchat of root's, on the port of which no setting speaks, started by a unit of somebody's own.
make_earlier() {
    cp -r /code /root/webchat
    printf 'SECRET_KEY=%s\nREGISTRATION=closed\nMAIL_MODE=console\n' "earlier-earlier-earlier-earlier-earlier" >/root/webchat/.env
    python=$(echo /kept/releases/*/.venv/bin/python)
    (
        cd /root/webchat
        chmod 600 .env
        $python manage.py migrate --no-input --verbosity 0
        $python manage.py shell --verbosity 0 -c "from accounts.models import User
for name in ('alice', 'bob'): User.objects.create_user(name, password=None)"
    )
    cat >/etc/systemd/system/webchat.service <<END
[Unit]
Description=The old program
[Service]
WorkingDirectory=/root/webchat
ExecStart=$python -m gunicorn --config deploy/gunicorn.conf.py
[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable --quiet --now webchat.service
    look_at_earlier
}
