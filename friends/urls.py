from django.urls import include, path

from webchat.base.api import endpoint

from . import api, views

app_name = "friends"

# /contacts/
contacts_urls = [
    path("contacts/", views.contacts, name="contacts"),
    path("contacts/requests/", views.ask, name="request_create"),
    path("contacts/requests/<int:pk>/accept/", views.accept, name="request_accept"),
    path("contacts/requests/<int:pk>/decline/", views.decline, name="request_decline"),
    path("contacts/requests/<int:pk>/withdraw/", views.withdraw, name="request_withdraw"),
    path("contacts/<str:username>/", views.contact, name="contact"),
    path("contacts/<str:username>/remove/", views.remove, name="remove"),
    path("contacts/<str:username>/remark/", views.set_remark, name="remark"),
    path("contacts/<str:username>/block/", views.block, name="block"),
    path("contacts/<str:username>/unblock/", views.unblock, name="unblock"),
]

# /api/friends/
api_urls = [
    path("", endpoint(GET=api.friends), name="api_friends"),
    path("requests/", endpoint(GET=api.requests, POST=api.ask), name="api_requests"),
    path("requests/<int:pk>/accept/", endpoint(POST=api.accept), name="api_accept"),
    path("requests/<int:pk>/decline/", endpoint(POST=api.decline), name="api_decline"),
    path("requests/<int:pk>/withdraw/", endpoint(POST=api.withdraw), name="api_withdraw"),
    path("<str:username>/remove/", endpoint(POST=api.remove), name="api_remove"),
    path("<str:username>/remark/", endpoint(POST=api.remark), name="api_remark"),
    path("<str:username>/block/", endpoint(POST=api.block), name="api_block"),
    path("<str:username>/unblock/", endpoint(POST=api.unblock), name="api_unblock"),
]

urlpatterns = [*contacts_urls, path("api/friends/", include(api_urls))]
