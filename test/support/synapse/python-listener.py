"""A Python client that listens in the way its own documentation shows: python-listener.py URL NAME ROOM. Prints `heard BODY`
for each message of the room, and `ended REASON` where it stops listening."""

import sys

url, name, room_id = sys.argv[1:]


def say(what):
    print(what, flush=True)


def listen_with_nio():
    import asyncio
    import inspect

    def coroutine(function):
        async def called(*given):
            answer = function(*given)
            return await answer if inspect.isawaitable(answer) else answer
        return called

    # Python had this until 3.10, and it is all of 0.18.7 that today's lacks.
    if not hasattr(asyncio, "coroutine"):
        asyncio.coroutine = coroutine
    from nio import AsyncClient, AsyncClientConfig, RoomMessageText

    async def play():
        client = AsyncClient(url, name, config=AsyncClientConfig(encryption_enabled=False))
        await client.login("secret")
        await client.join(room_id)

        async def heard(room, event):
            say("heard " + event.body)

        client.add_event_callback(heard, RoomMessageText)
        await client.sync_forever(timeout=2000)

    asyncio.run(play())


def listen_with_matrix_client():
    from matrix_client.client import MatrixClient

    def heard(event):
        if event["type"] == "m.room.message":
            say("heard " + event["content"]["body"])

    client = MatrixClient(url)
    if hasattr(client, "login"):
        client.login(name, "secret")
        client.join_room(room_id)
        client.add_listener(heard)
        client.listen_forever(timeout_ms=2000)
    else:
        client.login_with_password(name, "secret")
        client.join_room(room_id)
        client.add_listener(heard)
        while True:
            client.listen_for_events(2000)


try:
    try:
        import nio  # noqa: F401
        listen = listen_with_nio
    except ImportError:
        listen = listen_with_matrix_client
    listen()
    say("ended without a word")
except BaseException as error:
    say("ended %s: %s" % (type(error).__name__, str(error)[:200].replace("\n", " ")))
