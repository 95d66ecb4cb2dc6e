"""A session of matrix-client 0.3.2: python-session-2018.py URL NAME. Prints what it saw as JSON; fails where it does not come."""

import json
import sys

from matrix_client.client import MatrixClient

from session_stream import Stream

url, name = sys.argv[1:]


def stream_of(client):
    stream = Stream()
    client.add_listener(stream.note)
    client.add_ephemeral_listener(stream.note)
    client.add_invite_listener(lambda room_id, state: stream.note({"type": "an invite", "room_id": room_id}))
    client.add_leave_listener(lambda room_id, room: stream.note({"type": "a leave", "room_id": room_id}))
    # Whatever is wrong with an answer ends the thread; it must end the session.
    client.start_listener_thread(10000, exception_handler=stream.fail)
    return stream


alice = MatrixClient(url)
alice.register_with_password(name + "-alice", "secret")
MatrixClient(url).register_with_password(name + "-bob", "secret")
bob = MatrixClient(url)
bob.login(name + "-bob", "secret", limit=5)
stream = stream_of(bob)

# It refuses room ids without a server's name, as those of version 12 are, and cannot ask for another version itself.
created = alice.api._send("POST", "/createRoom", {"room_version": "10"})
room = alice._mkroom(created["room_id"])
room.set_room_name("Tea")
BEFORE = ["before %d" % number for number in range(20)]
for text in BEFORE:
    room.send_text(text)
assert room.invite_user(bob.user_id)
stream.find(type="an invite", room_id=room.room_id)
room_of_bob = bob.join_room(room.room_id)
stream.find(type="m.room.member", membership="join", state_key=bob.user_id)

room.send_text("hello")
message = stream.find(type="m.room.message", body="hello")
alice_hears = stream_of(alice)
room_of_bob.send_text("hello too")
alice_hears.find(type="m.room.message", body="hello too", sender=bob.user_id)

# A client that starts anew lists its rooms, and pages back to the beginning of one.
back = MatrixClient(url)
back.login(name + "-bob", "secret", limit=5)
known = back.get_rooms()[room.room_id]
page = {"end": known.prev_batch}
bodies = [event["content"].get("body") for event in known.get_events() if event["type"] == "m.room.message"]
types = []
while True:
    page = back.api.get_room_messages(room.room_id, page["end"], "b", limit=10)
    if not page["chunk"]:
        break
    types += [event["type"] for event in page["chunk"]]
    bodies[:0] = [event["content"].get("body") for event in reversed(page["chunk"]) if event["type"] == "m.room.message"]

# Its own Room.leave() fails where its stream hears of it first.
bob.api.leave_room(room.room_id)
stream.find(type="a leave", room_id=room.room_id)
alice_hears.find(type="m.room.member", membership="leave", state_key=bob.user_id)

print(json.dumps({
    "home_server": bob.hs,
    "sender": message["sender"],
    "rooms": [known.display_name],
    "bodies": bodies == BEFORE + ["hello", "hello too"],
    "first": types[-1],
    "left": room.room_id not in bob.get_rooms(),
}))
