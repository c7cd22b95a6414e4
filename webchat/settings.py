"""Django's settings. Those that can be set from outside are read by `webchat.environment`."""

import os
from pathlib import Path

from . import cookies, environment
from .base.telling import show_what_can_be_shown
from .database import connecting

# Whatever a process of ours writes is for its own user: the database, its log, backups, exports.
os.umask(0o077)
show_what_can_be_shown()

BASE_DIR = Path(__file__).resolve().parent.parent
environment.load_env_file(BASE_DIR / ".env")

# --- Read from the environment (explained in .env.example) ---

SECRET_KEY = environment.required(
    "SECRET_KEY", "deploy/run.sh writes a random one into .env, which must not change afterwards"
)
environment.hard_to_guess("SECRET_KEY", SECRET_KEY)
DEBUG = environment.boolean("DEBUG", False)
SITE = environment.site_url("SITE_URL")  # None is LAN mode
DATA_DIR = environment.directory("DATA_DIR", BASE_DIR / "data")
DATABASE_FILE = environment.database_file("DATABASE_URL", DATA_DIR / connecting.FILE_NAME, BASE_DIR)
TIME_ZONE = environment.time_zone("TIME_ZONE", "Asia/Shanghai")
LANGUAGE_CODE = environment.choice("LANGUAGE_CODE", "zh-hans", ("zh-hans", "en"))
ADMIN_PATH = environment.admin_path("ADMIN_PATH", "admin/")
REGISTRATION = environment.choice("REGISTRATION", "open", ("open", "code", "closed"))
REGISTRATION_CODE = environment.text("REGISTRATION_CODE")
if REGISTRATION == "code":
    environment.required("REGISTRATION_CODE", "REGISTRATION=code asks newcomers for it")
WEB_CONCURRENCY = environment.integer("WEB_CONCURRENCY", 1, low=1, high=64)
PORT = environment.integer("PORT", 8000, low=1, high=65535)
LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
BEHIND_PROXY = environment.boolean("BEHIND_PROXY", False)
TRUSTED_PROXY = environment.networks("TRUSTED_PROXY")
NGINX_SENDS_FILES = environment.boolean("NGINX_SENDS_FILES", False)
SEND_RATE = environment.send_rate("SEND_RATE", "30/10s")  # (messages, seconds) or None
UPLOAD_LIMIT = environment.size("UPLOAD_LIMIT", "100M", low="1", high="2G")  # bytes of one file
UPLOAD_DAILY = environment.size("UPLOAD_DAILY", "1G")  # bytes that one person sends in 24 hours
MIN_FREE = environment.size("MIN_FREE", "1G")  # bytes of the disk that files leave to messages
MAIL_MODE = environment.choice("MAIL_MODE", "off", ("off", "console", "qq", "smtp"))
vars().update(environment.mail_settings(MAIL_MODE))

# --- The address of the site ---

PREFIX = SITE.prefix if SITE else ""
HTTPS = bool(SITE and SITE.scheme == "https")
# In LAN mode HostMiddleware decides, which knows more kinds of names than this list can say.
ALLOWED_HOSTS = [SITE.host, "localhost", "127.0.0.1", "[::1]"] if SITE else ["*"]
CSRF_TRUSTED_ORIGINS = [SITE.origin] if SITE else []
FORCE_SCRIPT_NAME = PREFIX or None
# No slash at the end, or the cookie would not be sent to the prefix itself.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = PREFIX or "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
COOKIE_STEM = cookies.stem(SITE, PORT)
SESSION_COOKIE_NAME = f"{COOKIE_STEM}_sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_STEM}_csrftoken"
LANGUAGE_COOKIE_NAME = f"{COOKIE_STEM}_language"
LAST_PERSON_COOKIE_NAME = f"{COOKIE_STEM}_last"
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = 30 * 24 * 3600  # seconds; on a shared computer it ends with the browser
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600  # seconds
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True

# --- The application ---

INSTALLED_APPS = [
    "webchat",
    "accounts",
    "friends",
    "chat",
    "csp",
    "accounts.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "webchat.middleware.RequestIdMiddleware",
    "webchat.middleware.OldCookiesMiddleware",
    "webchat.middleware.PrivateMiddleware",
    "webchat.middleware.PrefixMiddleware",
    "webchat.middleware.ProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "webchat.middleware.PolicyMiddleware",
    "webchat.middleware.HostMiddleware",
    "webchat.middleware.StaticMiddleware",
    # Pages and JSON; it varies their length against BREACH, and the tokens in them are masked.
    "webchat.middleware.PagesGZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.OwnerMiddleware",
    "chat.middleware.BudgetMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.middleware.SeenMiddleware",
    "accounts.last_person.LastPersonMiddleware",
    "accounts.middleware.PasswordChangeMiddleware",
    "accounts.middleware.DeletedAccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "webchat.middleware.DatabaseTroubleMiddleware",
]
ROOT_URLCONF = "webchat.urls"
WSGI_APPLICATION = "webchat.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chat.context_processors.shell",
            ],
        },
    },
]
FORM_RENDERER = "webchat.base.inputs.Renderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": connecting.settings_for(DATABASE_FILE)}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.NameOrMailBackend"]
PASSWORD_RESET_TIMEOUT = 3600  # seconds that the link of a mail lives
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "chat:chats"
LOGOUT_REDIRECT_URL = "accounts:login"
PASSWORD_HASHERS = ["accounts.hashers.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.passwords.MaximumLengthValidator"},
    *(
        {"NAME": "accounts.passwords.OneFormValidator", "OPTIONS": {"rule": rule}}
        for rule in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
]

USE_I18N = True
USE_TZ = True
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]

# --- Static files ---

STATIC_URL = f"{PREFIX}/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "webchat.storage.StaticStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False
# Before the first collectstatic (tests, runserver) files come from where they were written.
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()

# --- Headers for browsers ---

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# Over plain http browsers ignore this header and complain about it on the console.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if HTTPS else None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "form-action": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "media-src": ["'self'", "blob:"],  # a film that is chosen, before it is sent
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
CSRF_FAILURE_VIEW = "accounts.outdated.csrf_failure"
# Bytes. The longest honest form is a message of 4,000 syllables of Hangul, taken apart into three
# letters each and percent-encoded: 105 KiB. Refused input comes back with its page.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
# Fields: the rows that somebody may choose in a list of the admin, so that it can say how many it
# takes. The bytes above hold about as many.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # HSTS: nginx, where https ends, sends it
    "security.W005",  # HSTS for subdomains: not ours to decide
    "security.W008",  # the redirect to https: nginx too
    "security.W021",  # HSTS preload: a decision of the domain's owner
]
if not HTTPS:
    SILENCED_SYSTEM_CHECKS += [
        "security.W012",  # a Secure session cookie would never arrive over http
        "security.W016",  # nor would the CSRF cookie
    ]

# --- Logs: one line a record on stderr, never the text of a message or a password ---

# At DEBUG libraries log what passes through them: templates their contexts, the database each
# query with its values. Only our own code is asked for that much.
LIBRARY_LOG_LEVEL = "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "webchat.logs.LineFormatter"}},
    "filters": {"sparingly": {"()": "webchat.logs.Sparingly"}},
    "handlers": {
        "stderr": {
            "class": "webchat.logs.LineHandler",
            "formatter": "line",
            "filters": ["sparingly"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LIBRARY_LOG_LEVEL},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": LIBRARY_LOG_LEVEL, "propagate": False},
        "asyncio": {"level": "WARNING"},
        **{app: {"level": LOG_LEVEL} for app in ("accounts", "chat", "friends", "webchat")},
    },
}
