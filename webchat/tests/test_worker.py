from gunicorn.asgi.websocket import WebSocketProtocol
from hypothesis import given
from hypothesis import strategies as st

from webchat.worker import unmask


@given(payload=st.binary(max_size=300), key=st.binary(min_size=4, max_size=4))
def test_a_frame_is_unmasked_as_gunicorn_does_it(payload, key):
    assert unmask(payload, key) == WebSocketProtocol._unmask(None, payload, key)
