"""The taco bot as one would write it in Python: `irc` for the chat, `confluent-kafka` for Kafka.

    python_bot.py PORT BROKERS TOPIC CHANNEL COUNT

Writes each message of the channel to the topic as JSON, idempotent and with acks=all as the bot in bothost does, and ends when COUNT
records have been acknowledged. Prints `done`."""

import json
import sys

import irc.client
from confluent_kafka import Producer

port, brokers, topic, channel, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
acknowledged = 0
seen = 0


def delivered(error, message):
    global acknowledged
    if error is not None:
        raise SystemExit(f"a record failed: {error}")
    acknowledged += 1


producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "acks": "all", "linger.ms": 5,
                     "queue.buffering.max.messages": 1000000})


def on_message(connection, event):
    global seen
    line = json.dumps({"username": event.source.nick, "message": event.arguments[0]})
    while True:
        try:
            producer.produce(topic, key=event.target, value=line, on_delivery=delivered)
            break
        except BufferError:
            producer.poll(0.1)
    seen += 1
    if seen % 64 == 0:
        producer.poll(0)


reactor = irc.client.Reactor()
connection = reactor.server().connect("127.0.0.1", port, "tacobot", password="oauth:simulated")
connection.add_global_handler("welcome", lambda connection, event: (connection.cap("REQ", "twitch.tv/tags"), connection.join(channel)))
connection.add_global_handler("pubmsg", on_message)
while seen < count:
    reactor.process_once(0.2)
producer.flush()
print("done" if acknowledged == count else f"only {acknowledged} of {count}", flush=True)
