#!/usr/bin/env bash
# Creates churnwatch's topics on a cluster, with the settings it needs. Topics that exist are left as they are.
#
#   BOOTSTRAP=kafka1:9092 PARTITIONS=12 REPLICATION=3 deploy/kafka-topics.sh
#
# KAFKA_TOPICS       Kafka's own tool, default kafka-topics.sh
# COMMAND_CONFIG     its file of client properties, for clusters with TLS or passwords
# RETENTION_DAYS     of the input feeds, default 70. A restart needs the records since the last snapshot, so more than
#                    snapshot_interval_seconds of [state] plus the longest time that no process runs is necessary. The
#                    default keeps more, so that a lost state could be built anew: `days` of [window], and what
#                    billing needs
set -euo pipefail

: "${BOOTSTRAP:?set BOOTSTRAP to the brokers, such as kafka1:9092}"
partitions=${PARTITIONS:-12}
replication=${REPLICATION:-3}
retention_days=${RETENTION_DAYS:-70}
day_ms=86400000

tool=("${KAFKA_TOPICS:-kafka-topics.sh}" --bootstrap-server "$BOOTSTRAP")
if [[ -n ${COMMAND_CONFIG:-} ]]; then
  tool+=(--command-config "$COMMAND_CONFIG")
fi

# A write counts once all replicas but one have it, so that a broker may fail.
in_sync=$((replication > 2 ? replication - 1 : 1))

create() {
  local topic=$1 setting
  shift
  local settings=(--config "min.insync.replicas=$in_sync")
  for setting in "$@"; do
    settings+=(--config "$setting")
  done
  "${tool[@]}" --create --if-not-exists --topic "$topic" \
    --partitions "$partitions" --replication-factor "$replication" "${settings[@]}"
}

retain() {
  echo "retention.ms=$(($1 * day_ms))"
}

# Feeds: equal numbers of partitions, records keyed by msisdn.
create cdr "$(retain "$retention_days")"
create billing "$(retain "$retention_days")"
create service "$(retain "$retention_days")"
create task-outcomes "$(retain "$retention_days")"
# The latest record of each subscriber is kept for good: the profile, or a request to erase the subscriber. Earlier ones must stay as long as the records of other feeds,
# as a restart may have to apply them again.
create subscriber cleanup.policy=compact "min.compaction.lag.ms=$((retention_days * day_ms))"

# What `run` tells itself of groups of subscribers: it writes and reads it. Partitions as the feeds.
create churnwatch.groups "$(retain "$retention_days")"

# Outputs. Tasks are not compacted: a subscriber, the key, may have several.
create retention-tasks "$(retain 90)"
create churn-signals "$(retain 90)"
# Signals of rules on trial, needed only where the configuration has [shadow] rules.
create churn-signals-shadow "$(retain 30)"
# Dead letters hold the original bytes and their headers, so they may be larger than any input.
create churnwatch-dead-letters "$(retain 30)" max.message.bytes=2097152
# Confirmations of erasures name the request and not the subscriber; the proof may have to be shown years later.
create churnwatch-erasures "$(retain 1825)"

# What tasks achieve, needed only where [policy.hold_out] holds somebody out: the latest count of each partition and region.
create churnwatch-uplift cleanup.policy=compact

# What people do with tasks on the board: the latest state of each task, view and deed.
create churnwatch-board cleanup.policy=compact

# The journal of the subscribers' state. Nothing in it may expire: `run` deletes what no snapshot needs any more. `run`
# also creates it where it is missing, if it may. Its name is that of the group with "-journal" behind it.
create churnwatch-journal cleanup.policy=delete retention.ms=-1 retention.bytes=-1
