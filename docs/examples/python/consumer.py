"""Replies to text messages and menu clicks. Needs only the AMQP contract (docs/amqp.md) and pika.

    AMQP_URL=amqp://user:password@127.0.0.1:5672 python3 consumer.py
"""

import json
import os
import time

import pika

PREFIX = os.environ.get("PREFIX", "wx")
QUEUE = os.environ.get("QUEUE", "example.python")
KEYS = ["msg.text", "event.CLICK"]
# What is rejected: wx-bridge dead list --dead-queue example.python.dead
DEAD = QUEUE + ".dead"
DEAD_LETTERED = {
    "x-dead-letter-exchange": DEAD,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",  # which that strategy wants; without a limit nothing is refused
}


def answer(key, push):
    """What the user reads; None leaves the reply to other consumers."""
    if key == "msg.text":
        return {"type": "text", "msg": "Python heard: " + push["Content"]}
    if key == "event.CLICK":
        return {"type": "text", "msg": "Python was asked for " + push["EventKey"]}
    return None


def milliseconds_left(headers, received_at):
    """The smaller of budget and deadline, since clocks differ. The budget counts for the first attempt only."""
    now = time.time() * 1000
    left = headers["x-wx-deadline"] - now
    if headers["x-wx-attempt"] == 1:
        left = min(left, headers["x-wx-budget"] - (now - received_at))
    return left


def publish_reply(channel, event, reply):
    """Returns when the broker has confirmed, or refused."""
    try:
        channel.basic_publish(
            exchange=PREFIX + ".replies",
            routing_key=event.reply_to,
            body=json.dumps(reply),
            properties=pika.BasicProperties(
                content_type="application/json",
                correlation_id=event.correlation_id,
                headers={"x-wx-service": event.headers["x-wx-service"]},
            ),
        )
    except pika.exceptions.NackError:
        pass  # that gateway has lost its queue, nobody waits: the event must not come again for it


def on_delivery(channel, method, properties, body):
    received_at = time.time() * 1000
    try:
        push = json.loads(body)  # Python keeps every digit of large integers
        reply = answer(properties.type, push)  # not method.routing_key: see "Bind your queue"
    except Exception as error:  # to the dead letters; requeued it would come back at once, for ever
        print("given up", properties.message_id, error, flush=True)
        channel.basic_reject(method.delivery_tag, requeue=False)
        return
    if reply is not None and properties.reply_to:
        publish_reply(channel, properties, reply)
        outcome = "replied"
    else:
        outcome = "taken"
    left = milliseconds_left(properties.headers, received_at)
    print(properties.type, properties.message_id, f"{outcome}, {left:.0f} ms were left", flush=True)
    channel.basic_ack(method.delivery_tag)  # after the reply


def main():
    # pika turns Nagle's algorithm off by itself
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=50)
    quorum = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
    channel.exchange_declare(DEAD, "fanout", durable=True)
    channel.queue_declare(DEAD, durable=True, arguments=quorum)
    channel.queue_bind(DEAD, DEAD)
    channel.queue_declare(QUEUE, durable=True, arguments={**quorum, **DEAD_LETTERED})
    for key in KEYS:
        channel.queue_bind(QUEUE, PREFIX + ".events", key)
    channel.basic_consume(QUEUE, on_delivery)
    print("waiting for pushes", flush=True)
    channel.start_consuming()  # raises when the connection is lost: let a supervisor start it again


if __name__ == "__main__":
    main()
