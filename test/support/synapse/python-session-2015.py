"""A session of matrix-client 0.0.3: python-session-2015.py URL NAME. Prints what it saw as JSON; fails where it does not come."""

import json
import sys

from matrix_client.client import MatrixClient

from session_stream import Stream

url, name = sys.argv[1:]


def stream_of(client):
    stream = Stream()
    client.add_listener(stream.note)
    client.start_listener_thread(10000)
    return stream


alice = MatrixClient(url)
alice.register_with_password(name + "-alice", "secret")
MatrixClient(url).register_with_password(name + "-bob", "secret")
bob = MatrixClient(url)
bob.login_with_password(name + "-bob", "secret")

room = alice.create_room(name, is_public=True)
alice.api.send_state_event(room.room_id, "m.room.name", {"name": "Tea"})
alice.api.send_state_event(room.room_id, "m.room.topic", {"topic": "Green"})
stream = stream_of(bob)
assert room.invite_user(bob.user_id)
stream.find(type="m.room.member", membership="invite", room_id=room.room_id)
room_of_bob = bob.join_room("#%s:%s" % (name, alice.hs))
stream.find(type="m.room.member", membership="join", state_key=bob.user_id)

room.send_text("hello")
message = stream.find(type="m.room.message", body="hello")
room_of_bob.update_room_name()
room_of_bob.update_room_topic()
bob.api.set_display_name(bob.user_id, "Bob")
stream.find(type="m.room.member", displayname="Bob")

# An invite that is pending hides rooms behind it from this client, where it is not like a joined room.
alice.create_room(invitees=[bob.user_id])
back = MatrixClient(url)
back.login_with_password(name + "-bob", "secret", limit=3)
known = back.get_rooms()[room.room_id]
known_events = len(known.events)

# A gap: nobody polls for this client while a thousand events happen.
GAP = ["gap %d" % number for number in range(1000)]
missed = []
back.add_listener(lambda event: missed.append(event["content"].get("body")) if event["type"] == "m.room.message" else None)
for text in GAP:
    room.send_text(text)
while len(missed) < len(GAP):
    back.listen_for_events(1000)

room.kick_user(bob.user_id)
stream.find(type="m.room.member", membership="leave", state_key=bob.user_id)
# Its own Room.leave() cannot be called.
bob.join_room(room.room_id)
bob.api.leave_room(room.room_id)
stream.find(type="m.room.member", membership="leave", state_key=bob.user_id, sender=bob.user_id)

print(json.dumps({
    "home_server": bob.hs,
    "message": message,
    "name": room_of_bob.name,
    "topic": room_of_bob.topic,
    "display_name": back.get_user(bob.user_id).get_display_name(),
    "rooms": len(back.get_rooms()),
    "missed": missed == GAP,
    "known": {"name": known.name, "topic": known.topic, "events": known_events},
}))
