"""What is asked often says the same as the query sets that it was made of."""

from uuid import uuid4

import pytest
from django.db import connection, models
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from chat import access
from chat.access import get_thread
from chat.log import reading
from chat.models import (
    Announcement,
    Attachment,
    Event,
    EventLog,
    HiddenMessage,
    Membership,
    Message,
    MessageRow,
    Upload,
)
from chat.models.rows import File
from chat.models.uploads import STANDING, upload_of
from chat.notices.services import announce
from chat.presentation import list_conversations, view_thread
from friends import access as friends_access
from friends import services
from friends.listing import FriendshipRow
from friends.models import BY_NAME, FriendRequest, Friendship
from tests.cast import Api, befriend, make_user, say
from webchat.database.questions import Question


@pytest.fixture
def class_(alice, bob, carol):
    """Chats of all kinds between alice and her friends; carol has asked her."""
    friends = {name: make_user(name) for name in ("dora", "Erik", "fang", "gone", "hidden", "idle")}
    for friend in friends.values():
        befriend(alice, friend)
    texts = [say(alice, bob, "recalled"), say(bob, alice, "removed"), say(bob, alice, "hidden")]
    Message.objects.get(pk=texts[0].id).recall()
    Message.objects.filter(pk=texts[1].id).update(removed_at=timezone.now())
    conversation = Message.objects.get(pk=texts[0].id).conversation
    for user in (alice, bob):
        HiddenMessage.objects.create(user=user, conversation=conversation, message=texts[2].id)
    quoted = say(bob, alice, "quoted")
    Api(alice).post(
        "conversations/bob/messages/", text="answer", client_id=str(uuid4()), quote=quoted.id
    )
    Message.objects.filter(pk=quoted.id).update(text="")
    Attachment.objects.create(
        message_id=quoted.id,
        conversation=conversation,
        file=f"{uuid4()}.png",
        name="Bild 图.png",
        mimetype="image/png",
    )
    for name in ("dora", "Erik", "gone", "hidden"):
        for text in ("一", "二"):
            say(friends[name], alice, text)
        say(alice, friends[name], "三")
    services.set_remark(
        friendship=friends_access.get_friendship(alice, "dora"), remark="Dörchen 多拉"
    )
    services.block(owner=alice, target=friends["Erik"])
    services.block(owner=friends["fang"], target=alice)
    User.objects.filter(pk=friends["fang"].pk).update(is_active=False)
    services.remove(friendship=friends_access.get_friendship(alice, "gone"))
    for how in ("hide", "pin", "mute"):
        Api(alice).post(f"conversations/hidden/{how}/", on=True)
    Api(alice).post("conversations/dora/unread/", on=True)
    Api(alice).post("conversations/bob/read/", up_to=texts[1].id)
    return friends | {"bob": bob}


def whole(instance):
    """Return all that an instance holds, with the instances that were loaded with it."""
    if not isinstance(instance, models.Model):
        return instance
    state = instance._state
    loaded = {
        name: whole(other)
        for name, other in state.fields_cache.items()
        if not (other and instance in other._state.fields_cache.values() and name == "message")
    }
    columns = {name: value for name, value in vars(instance).items() if name != "_state"}
    return type(instance), columns, state.adding, state.db, loaded


def received(alice):
    return FriendRequest.objects.load_received(alice), FriendRequest.objects.received_by(alice)


def sent(alice):
    [request] = FriendRequest.objects.received_by(alice)
    asker = request.sender
    return FriendRequest.objects.load_sent(asker), FriendRequest.objects.sent_by(asker)


def row_of(message):
    """Return the row that stands for an instance."""
    file = getattr(message, "attachment", None)
    shown = {name: getattr(message, name) for name in MessageRow._fields[:-1]}
    shown["client_id"] = str(message.client_id)
    return MessageRow(
        *shown.values(),
        file=[getattr(file, name) for name in File._fields[1:]] if file else None,
    )


def friend_by_name(alice):
    [friendship] = Friendship.objects.of(alice).named("ERIK")
    return [friends_access.NAMED.first(owner=alice.pk, key="erik")], [friendship]


def membership(alice):
    conversation = get_thread(alice, "bob").membership.conversation
    low, high = conversation.low_id, conversation.high_id
    mine = Membership.objects.filter(user=alice, conversation=conversation)
    found = access.MEMBERSHIP.all(user=alice.pk, low=low, high=high)
    return found, mine.select_related("conversation")


def events_of_person(alice):
    log = Event.objects.select_related("message__attachment", "conversation").order_by("id")
    return reading.OF_PERSON.all(after=3, viewer=alice.pk), log.filter(id__gt=3, user=alice)


def events_of_chats(alice):
    ids = list(Membership.objects.filter(user=alice).values_list("conversation", flat=True))
    log = Event.objects.select_related("message__attachment", "conversation").order_by("id")
    found = reading.OF_CHATS.all(after=3, conversations=ids[1:], at_most=4)
    return found, log.filter(id__gt=3, user=None, conversation__in=ids[1:])[:4]


def events_of_everyone(alice):
    announce(by=alice, announcement=Announcement(text="休息"))
    log = Event.objects.select_related("message__attachment", "conversation")
    return reading.OF_EVERYONE.all(after=3), log.filter(user=None, conversation=None)


def upload(alice):
    ids = [uuid4(), uuid4()]
    for number, client_id in enumerate(ids):
        Upload.objects.create(
            owner=alice,
            client_id=client_id,
            name="报告.pdf",
            announced_kind="file",
            announced_size=9,
            received=number,
            part=f"part{number}",
        )
    found = [upload_of(alice, ids[1])]
    assert STANDING.first(pk=found[0].pk) == (1, "open")
    assert upload_of(User.objects.exclude(pk=alice.pk).first(), ids[1]) is None
    return found, alice.uploads.filter(client_id=ids[1])


INSTANCES = [
    received,
    sent,
    friend_by_name,
    membership,
    events_of_person,
    events_of_chats,
    events_of_everyone,
    upload,
]


@pytest.mark.parametrize("question", INSTANCES)
def test_instances_are_those_of_the_query_set(alice, class_, question):
    found, wanted = question(alice)
    wanted = list(wanted)
    assert wanted
    assert [whole(each) for each in found] == [whole(each) for each in wanted]


def test_rows_of_friends_are_those_of_the_query_set(alice, class_):
    wanted = list(Friendship.objects.of(alice))
    found = Friendship.objects.load(alice)
    assert [row.pk for row in found] == [each.pk for each in wanted]
    for row, friendship in zip(found, wanted, strict=True):
        for name in set(FriendshipRow._fields) - {"pinyin"}:
            assert getattr(row, name) == getattr(friendship, name)
        assert (row.name, row.readings) == (friendship.name, friendship.readings)
        assert row.pinyin == friendship.friend.pinyin
    assert {row.blocked for row in found} == {row.is_there for row in found} == {True, False}
    assert all(type(row.blocked) is bool for row in found)
    assert "Dörchen 多拉" in {row.name for row in found}


def test_rows_of_chats_are_those_of_the_query_set(alice, class_):
    Api(alice).post("conversations/idle/hide/", on=True)
    mine = Membership.objects.filter(user=alice).select_related("conversation").with_state()
    wanted = {each.conversation.other_id(alice.pk): each for each in mine}
    found = Membership.objects.by_friend(alice)
    assert found.keys() == wanted.keys()
    for pk, row in found.items():
        assert row.last_message_id == wanted[pk].last_message_id
        assert row.state == wanted[pk].state
        assert all(type(row.state[name]) is type(on) for name, on in wanted[pk].state.items())
    for name in ("pinned", "muted", "marked_unread", "hidden"):
        assert {row.state[name] for row in found.values()} == {True, False}


@pytest.mark.parametrize("name", ["bob", "hidden", "dora"])
@pytest.mark.parametrize("limit", [2, 50])
def test_pages_are_those_of_the_query_set(alice, class_, name, limit):
    thread = get_thread(alice, name)
    seen = set(thread.messages.values_list("pk", flat=True))
    ids = [None, 0, *Message.objects.values_list("pk", flat=True)[::3]]
    several = 0
    for before in ids:
        for after in ids:
            rows = Message.objects.filter(pk__in=seen).with_attachment()
            rows = rows if before is None else rows.filter(id__lt=before)
            rows = rows if after is None else rows.filter(id__gt=after)
            wanted = list(rows.order_by("-id" if after is None else "id")[: limit + 1])
            more, wanted = len(wanted) > limit, wanted[:limit]
            wanted = wanted[::-1] if after is None else wanted
            page = thread.page(before=before, after=after, limit=limit)
            assert page == ([row_of(each) for each in wanted], more)
            several += len(wanted)
    assert several or name == "hidden"


def test_messages_by_their_ids_are_those_of_the_query_set(class_):
    ids = set(Message.objects.values_list("pk", flat=True))
    found = Message.objects.with_attachment().in_bulk(ids)
    assert Message.objects.load(ids) == {pk: row_of(each) for pk, each in found.items()}
    assert {each.state for each in found.values()} == {"sent", "recalled", "removed"}
    assert [each.file for each in Message.objects.load(ids).values() if each.file]


def test_a_row_looks_like_its_message(alice, class_):
    messages = list(Message.objects.with_attachment().order_by("pk"))
    bob = class_["bob"]
    for viewer, friend in ((alice, bob), (bob, alice)):
        views = view_thread(messages, viewer=viewer, friend=friend, remark="B")
        rows = view_thread(
            [row_of(each) for each in messages], viewer=viewer, friend=friend, remark="B"
        )
        assert rows == views
        assert any(view.quote for view in views)
        assert any(view.attachment for view in views)


def test_unread_messages_are_those_of_friends(alice, class_):
    names = dict(Friendship.objects.of(alice).values_list("friend", "friend__username"))
    mine = Membership.objects.filter(user=alice).select_related("conversation").with_unread()
    wanted = {}
    for each in mine.order_by("pk"):
        if (name := names.get(each.conversation.other_id(alice.pk))) and each.unread:
            wanted[name] = each.unread
    assert list(Membership.objects.unread_counts(alice).items()) == list(wanted.items())
    assert set(wanted) == {"bob", "dora", "Erik"}
    assert Membership.objects.audible_unread(alice) == sum(wanted.values())
    Membership.objects.filter(user=alice, conversation__in=mine.values("conversation")).update(
        muted=True
    )
    assert Membership.objects.audible_unread(alice) == 0


def test_the_badge_of_a_page_is_the_sum_of_its_list(alice, class_, client):
    client.force_login(alice)
    wanted = Membership.objects.audible_unread(alice)
    assert wanted > 0
    for path in ("/", "/chat/bob/", "/contacts/"):
        assert client.get(path).context["shell"]["unread"] == wanted
    Api(alice).post("conversations/dora/mute/", on=True)
    muted = Membership.objects.audible_unread(alice)
    assert 0 < muted < wanted
    for path in ("/", "/chat/bob/", "/contacts/"):
        assert client.get(path).context["shell"]["unread"] == muted


def test_requests_of_blocked_people_do_not_count(alice, carol):
    assert FriendRequest.objects.count_received(alice) == 1
    services.block(owner=alice, target=carol)
    assert FriendRequest.objects.count_received(alice) == 0


def test_nothing_of_the_first_who_asked_stays_in_a_question(alice, class_, carol):
    for user in (alice, class_["bob"], carol, alice):
        wanted = [each.friend.username for each in Friendship.objects.of(user)]
        assert [each.username for each in BY_NAME.all(owner=user.pk)] == wanted


def test_messages_of_others_are_read_from_the_log_without_compiling(alice, class_, monkeypatch):
    after = EventLog.objects.head()
    for name in ("bob", "dora"):
        say(class_[name], alice, "新")
    path, api = f"events/?after={after}", Api(alice)
    first = api.get(path)
    assert [each["kind"] for each in first.json()["events"]] == ["message", "message"]
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).content == first.content
    assert len([each for each in queries if "SELECT" in each["sql"]]) <= 8


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("conversations/bob/messages/", 6),
        ("conversations/", 5),
        ("unread_counts/", 2),
        ("friends/", 2),
        ("me/", 2),
    ],
)
def test_the_api_compiles_nothing_anew_and_asks_little(alice, class_, path, most, monkeypatch):
    api = Api(alice)
    first = api.get(path)
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    with CaptureQueriesContext(connection) as queries:
        assert api.get(path).content == first.content
    assert len([each for each in queries if "SELECT" in each["sql"]]) <= most


def test_the_next_piece_of_a_file_compiles_nothing_and_asks_little(alice, monkeypatch):
    api, client_id = Api(alice), uuid4()
    api.post("uploads/", id=str(client_id), name="a.bin", size=9, kind="file")

    def put(offset):
        path = f"/api/uploads/{client_id}/?offset={offset}"
        return api.client.put(path, b"abc", content_type="application/octet-stream").json()

    assert put(0) == {"received": 3}
    monkeypatch.setattr(SQLCompiler, "as_sql", None)
    with CaptureQueriesContext(connection) as queries:
        assert put(3) == {"received": 6}
    assert len([each for each in queries if "SELECT" in each["sql"]]) <= 4


@pytest.mark.parametrize(
    "query_set",
    [Message.objects.all()[:2], Membership.objects.prefetch_related("conversation")],
)
def test_a_question_is_neither_sliced_nor_prefetches_anything(db, query_set):
    with pytest.raises(ValueError, match="neither sliced"):
        Question(lambda: query_set).all()


def test_the_text_of_a_message_is_in_no_log_of_its_view(alice, class_):
    say(alice, class_["bob"], "geheim")
    chats = [chat for chat in list_conversations(alice) if chat.username == "bob"]
    assert chats[0].last_message.text == "geheim"
    assert f"MessageView(id={chats[0].last_message.id}" in repr(chats)
    assert "geheim" not in repr(chats)
