#!/usr/bin/env python3
"""Takes retention tasks over into an SQLite database, each revision exactly once.

A record counts once because what it says and the offset behind it are written in one transaction of the database: after a
crash the program goes on from the offsets that the database has, and not from those of the group. A revision that is older
than the one the database has changes nothing.

    pip install confluent-kafka jsonschema
    python3 consume_tasks.py --bootstrap localhost:9092 --database tasks.sqlite
"""

import argparse
import json
import pathlib
import sqlite3
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

UNKNOWN_FIELD = ("additionalProperties", "unevaluatedProperties")
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
TABLES = """
    CREATE TABLE IF NOT EXISTS task (
        task_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS position (
        topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
    CREATE TABLE IF NOT EXISTS refused (
        topic TEXT, partition INTEGER, offset INTEGER, why TEXT NOT NULL, PRIMARY KEY (topic, partition, offset));
"""


def validator(folder):
    """The schema of a task, with the files that it refers to."""
    files = {path.name: json.loads(path.read_text()) for path in folder.glob("*.schema.json")}
    resources = [(name, Resource.from_contents(schema)) for name, schema in files.items()]
    resources += [(schema["$id"], Resource.from_contents(schema)) for schema in files.values() if "$id" in schema]
    return Draft202012Validator(files["retention-task.schema.json"], registry=Registry().with_resources(resources))


class Tasks:
    """What is known of tasks."""

    def __init__(self, path, schema):
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.executescript(TABLES)
        self.schema = schema

    def position(self, topic, partition):
        """The offset to go on from, if the partition was read before."""
        found = self.database.execute(
            "SELECT next FROM position WHERE topic = ? AND partition = ?", (topic, partition)
        ).fetchone()
        return found and found[0]

    def take(self, message):
        """Takes a record in. Returns the task if the record is news."""
        where = (message.topic(), message.partition())
        self.database.execute("BEGIN")
        task, why = self.read(message.value())
        if why:
            refusal = (*where, message.offset(), why)
            self.database.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", refusal)
        elif task:
            values = (task["task_id"], task["revision"], task["status"], json.dumps(task, ensure_ascii=False))
            changed = self.database.execute(
                "INSERT INTO task VALUES (?, ?, ?, ?) ON CONFLICT (task_id) DO UPDATE SET revision = excluded.revision,"
                " status = excluded.status, body = excluded.body WHERE excluded.revision > task.revision",
                values,
            )
            task = task if changed.rowcount else None
        self.database.execute("INSERT OR REPLACE INTO position VALUES (?, ?, ?)", (*where, message.offset() + 1))
        self.database.execute("COMMIT")
        return task

    def read(self, value):
        """The task of a record, or why there is none."""
        if value is None:
            return None, None
        try:
            task = json.loads(value)
        except ValueError as error:
            return None, f"no JSON: {error}"
        # Fields of a newer detector are no fault, although the schema does not know them.
        errors = (error for error in self.schema.iter_errors(task) if error.validator not in UNKNOWN_FIELD)
        error = next(errors, None)
        return (None, f"{error.json_path}: {error.validator}") if error else (task, None)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bootstrap", required=True, help="Kafka brokers, host:port")
    arguments.add_argument("--topic", default="retention-tasks")
    arguments.add_argument("--group", default="task-consumer")
    arguments.add_argument("--database", default="tasks.sqlite")
    arguments.add_argument("--schemas", type=pathlib.Path, default=SCHEMAS, help="folder of the schemas")
    arguments.add_argument("--until-end", action="store_true", help="end when all there is has been read")
    options = arguments.parse_args()

    tasks = Tasks(options.database, validator(options.schemas))
    consumer = Consumer(
        {
            "bootstrap.servers": options.bootstrap,
            "group.id": options.group,
            # What a detector wrote and took back is never seen.
            "isolation.level": "read_committed",
            # For a position of the database that the topic does not keep any more.
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": options.until_end,
        }
    )
    open_partitions = set()

    def assigned(consumer, partitions):
        for partition in partitions:
            known = tasks.position(partition.topic, partition.partition)
            partition.offset = OFFSET_BEGINNING if known is None else known
            open_partitions.add(partition.partition)
        consumer.assign(partitions)

    consumer.subscribe([options.topic], on_assign=assigned)
    try:
        while True:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                if message.error().code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(message.error())
                open_partitions.discard(message.partition())
                if not open_partitions:
                    return
                continue
            task = tasks.take(message)
            if task:
                print(task["task_id"], task["revision"], task["status"], flush=True)
            # For those who watch the group's lag; the database's offsets are the ones that count.
            position = TopicPartition(message.topic(), message.partition(), message.offset() + 1)
            consumer.commit(offsets=[position], asynchronous=True)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    sys.exit(main())
