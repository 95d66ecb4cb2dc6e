"""A session of matrix-nio 0.18.7: nio-session.py URL NAME. Prints what it saw as JSON; fails where it does not come."""

import asyncio
import json
import sys

from nio import AsyncClient, AsyncClientConfig, MessageDirection
from nio.responses import ErrorResponse

url, name = sys.argv[1:]
PATIENCE = 40
FILTER = {"room": {"timeline": {"limit": 5}}}


def good(answer):
    if isinstance(answer, ErrorResponse):
        raise SystemExit("the client takes it for an error: %r" % answer)
    return answer


async def log_in(user):
    client = AsyncClient(url, user, config=AsyncClientConfig(encryption_enabled=False, max_timeouts=2))
    good(await client.login("secret"))
    good(await client.sync(timeout=0, sync_filter=FILTER, full_state=True))
    return client


async def until(client, what, look):
    """Polls until `look` finds it in what an answer brought, or in what the client knows."""
    async def poll():
        while True:
            answer = good(await client.sync(timeout=5000, sync_filter=FILTER))
            found = look(answer)
            if found:
                return found
    try:
        return await asyncio.wait_for(poll(), PATIENCE)
    except asyncio.TimeoutError:
        raise SystemExit("did not come: " + what)


def heard(room_id, body):
    def look(answer):
        room = answer.rooms.join.get(room_id)
        return room and next((event for event in room.timeline.events if getattr(event, "body", None) == body), None)
    return look


async def play():
    for user in ("alice", "bob"):
        client = AsyncClient(url)
        good(await client.register(name + "-" + user, "secret"))
        await client.close()
    alice = await log_in(name + "-alice")
    bob = await log_in(name + "-bob")

    room_id = good(await alice.room_create(name="Tea")).room_id
    before = ["before %d" % number for number in range(20)]
    say = lambda client, body: client.room_send(room_id, "m.room.message", {"msgtype": "m.text", "body": body})
    for body in before:
        good(await say(alice, body))
    good(await alice.room_invite(room_id, bob.user_id))
    await until(bob, "the invite", lambda answer: room_id in bob.invited_rooms)
    good(await bob.join(room_id))
    await until(bob, "the room", lambda answer: room_id in bob.rooms)

    good(await say(alice, "hello"))
    message = await until(bob, "a message", heard(room_id, "hello"))
    good(await bob.room_typing(room_id))
    good(await bob.room_read_markers(room_id, message.event_id, message.event_id))
    good(await bob.update_receipt_marker(room_id, message.event_id))

    # A client that starts anew lists its rooms, and pages back to the beginning of one.
    back = AsyncClient(url, name + "-bob", config=AsyncClientConfig(encryption_enabled=False))
    good(await back.login("secret"))
    first = good(await back.sync(timeout=0, sync_filter=FILTER, full_state=True))
    rooms = good(await back.joined_rooms()).rooms
    timeline = first.rooms.join[room_id].timeline
    events = list(timeline.events)
    token = timeline.prev_batch
    # A page with nothing in it has no `end`, which this client takes for an error on any homeserver.
    while events[0].source["type"] != "m.room.create":
        page = good(await back.room_messages(room_id, token, limit=10, direction=MessageDirection.back))
        events[:0] = reversed(page.chunk)
        token = page.end

    good(await bob.room_leave(room_id))
    await until(bob, "the leave", lambda answer: room_id in answer.rooms.leave)
    left = room_id not in good(await bob.joined_rooms()).rooms
    for client in (alice, bob, back):
        await client.close()
    return {
        "sender": message.sender,
        "rooms": [back.rooms[each].display_name for each in rooms],
        "bodies": [event.body for event in events if hasattr(event, "body")] == before + ["hello"],
        "first": events[0].source["type"],
        "left": left,
    }


print(json.dumps(asyncio.run(play())))
