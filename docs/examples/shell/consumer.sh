#!/bin/sh
# Replies to text messages over RabbitMQ's management API: to try things out, not for production (it asks once a second,
# and a message counts as done when it is fetched). Needs curl and jq.
#
#   MANAGEMENT_URL=http://user:password@127.0.0.1:15672 sh consumer.sh
set -eu
: "${MANAGEMENT_URL:?such as http://user:password@127.0.0.1:15672}"
PREFIX=${PREFIX:-wx}
QUEUE=${QUEUE:-example.shell}
api=$MANAGEMENT_URL/api

# call METHOD PATH JSON
call() { curl --fail --silent --show-error --request "$1" --header "content-type: application/json" --data "$3" "$api/$2"; }

call PUT "queues/%2F/$QUEUE" '{"durable":true,"arguments":{"x-queue-type":"quorum","x-delivery-limit":1000000}}'
call POST "bindings/%2F/e/$PREFIX.events/q/$QUEUE" '{"routing_key":"msg.text"}' > /dev/null
echo "waiting for pushes"

while sleep 1; do
  messages=$(call POST "queues/%2F/$QUEUE/get" '{"count":10,"ackmode":"ack_requeue_false","encoding":"auto"}')
  printf '%s' "$messages" |
    jq --compact-output '.[] | select(.properties.reply_to) | {
      routing_key: .properties.reply_to,
      payload: ({type: "text", msg: ("The shell heard: " + (.payload | fromjson | .Content))} | tojson),
      payload_encoding: "string",
      properties: {
        correlation_id: .properties.correlation_id,
        headers: {"x-wx-service": .properties.headers["x-wx-service"]}
      }
    }' |
    while read -r reply; do
      call POST "exchanges/%2F/$PREFIX.replies/publish" "$reply"
      echo
    done
done
