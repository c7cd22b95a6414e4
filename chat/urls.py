from functools import partial

from django.urls import include, path, re_path

from webchat.base.api import endpoint, nothing_here

from . import api, delivery, files, views
from .export import export
from .faces import api as faces
from .faces import views as faces_views
from .media import api as media
from .media.receiving import PIECE_BYTES
from .moderation import api as moderation
from .moderation import views as moderation_views
from .notices import api as notices
from .notices import views as notices_views
from .search import views as search_views

app_name = "chat"

# /api/
api_urls = [
    path("me/", endpoint(GET=api.me), name="api_me"),
    path("me/avatar/", endpoint(POST=faces.choose, DELETE=faces.remove), name="api_avatar"),
    path("conversations/", endpoint(GET=api.conversations), name="api_conversations"),
    path(
        "conversations/<str:username>/messages/",
        endpoint(GET=api.messages, POST=api.send),
        name="api_messages",
    ),
    path(
        "conversations/<str:username>/messages/hide/",
        endpoint(POST=api.hide_messages),
        name="api_hide_messages",
    ),
    path("conversations/<str:username>/files/", endpoint(GET=files.files_api), name="api_files"),
    path("conversations/<str:username>/read/", endpoint(POST=api.read), name="api_read"),
    *(
        path(
            f"conversations/<str:username>/{how}/",
            endpoint(POST=partial(api.arrange, how=how)),
            name=f"api_{how}",
        )
        for how in api.ARRANGEMENTS
    ),
    path("messages/<int:pk>/recall/", endpoint(POST=api.recall), name="api_recall"),
    path("messages/<int:pk>/hide/", endpoint(POST=api.hide_message), name="api_hide_message"),
    path("online/", endpoint(GET=api.online), name="api_online"),
    path("search/", endpoint(GET=search_views.search_api), name="api_search"),
    path("unread_counts/", endpoint(GET=api.unread_counts), name="api_unread_counts"),
    path("events/", endpoint(GET=api.events_after), name="api_events"),
    path(
        "messages/<int:pk>/report/",
        endpoint(POST=moderation.report_message),
        name="api_report_message",
    ),
    path(
        "friends/<str:username>/report/",
        endpoint(POST=moderation.report_person),
        name="api_report_person",
    ),
    path("notices/", endpoint(GET=notices.notices), name="api_notices"),
    path("notices/<int:pk>/confirm/", endpoint(POST=notices.confirm), name="api_confirm"),
    path(
        "announcements/seen/",
        endpoint(POST=notices.see_announcements),
        name="api_announcements_seen",
    ),
    path("uploads/", endpoint(POST=media.begin), name="api_uploads"),
    path(
        "uploads/<uuid:client_id>/",
        endpoint(GET=media.look, PUT=media.put, DELETE=media.give_up, bytes_at_most=PIECE_BYTES),
        name="api_upload",
    ),
    path(
        "uploads/<uuid:client_id>/finish/",
        endpoint(POST=media.finish),
        name="api_upload_finish",
    ),
    # Any other address under api/ gets its 404 as JSON, too.
    re_path("", nothing_here),
]

urlpatterns = [
    path("", views.chats, name="chats"),
    path("chat/<str:username>/", views.conversation, name="conversation"),
    path("chat/<str:username>/file/", views.send_file, name="send_file"),
    path("chat/<str:username>/arrange/", views.arrange, name="arrange"),
    path("chat/<str:username>/files/", files.files, name="files"),
    path("chat/<str:username>/report/", moderation_views.report, name="report"),
    path("attachments/<int:pk>/", delivery.attachment, name="attachment"),
    path("attachments/<int:pk>/preview/", delivery.preview, name="preview"),
    re_path(r"^avatars/(?P<name>[0-9a-f]{32})/$", faces_views.face, name="face"),
    path("me/avatar/", faces_views.change, name="change_face"),
    path("announcements/", notices_views.announcements, name="announcements"),
    path("notices/confirm/", notices_views.confirm, name="confirm"),
    path("export/", export, name="export"),
    path("connection/", views.connection, name="connection"),
    path("discover/", views.discover, name="discover"),
    path("search/", search_views.search_page, name="search"),
    path("api/", include(api_urls)),
]
