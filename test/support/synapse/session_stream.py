"""What a client's stream brings, and a way to wait for it: for the sessions of either version of matrix-client."""

import threading

PATIENCE = 40


class Stream:
    """Everything that was noted, in order. One that failed ends the session."""

    def __init__(self):
        self.events = []
        self.failure = None
        self.news = threading.Condition()

    def note(self, event):
        with self.news:
            self.events.append(event)
            self.news.notify_all()

    def fail(self, error):
        self.failure = error
        self.note({"type": "a failure"})

    def find(self, **wanted):
        """The first event that has all of this, in itself or in its content, once it is there."""

        def matches(event):
            values = dict(event, **event.get("content", {}))
            return all(values.get(key) == value for key, value in wanted.items())

        def found():
            if self.failure is not None:
                raise SystemExit("the client gave up: %r" % self.failure)
            return next((event for event in self.events if matches(event)), None)

        with self.news:
            if not self.news.wait_for(found, PATIENCE):
                raise SystemExit("did not come: %s" % wanted)
            return found()
