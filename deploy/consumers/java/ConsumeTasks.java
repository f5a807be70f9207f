import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Takes retention tasks over into an SQLite database, each revision exactly once.
 *
 * <p>A record counts once because what it says and the offset behind it are written in one transaction of the database: after a
 * crash the program goes on from the offsets that the database has, and not from those of the group. A revision that is older than
 * the one the database has changes nothing.
 *
 * <pre>mvn -q compile exec:java -Dexec.args="localhost:9092 retention-tasks tasks.sqlite ../../../schemas"</pre>
 *
 * A fifth argument {@code until-end} ends the program when all there is has been read.
 */
public final class ConsumeTasks {
    private static final List<String> TABLES = List.of(
            "CREATE TABLE IF NOT EXISTS task (task_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, status TEXT NOT NULL,"
                    + " body TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS position (topic TEXT, partition INTEGER, next INTEGER NOT NULL,"
                    + " PRIMARY KEY (topic, partition))",
            "CREATE TABLE IF NOT EXISTS refused (topic TEXT, partition INTEGER, offset INTEGER, why TEXT NOT NULL,"
                    + " PRIMARY KEY (topic, partition, offset))");
    private static final String TASK =
            "INSERT INTO task VALUES (?, ?, ?, ?) ON CONFLICT (task_id) DO UPDATE SET revision = excluded.revision,"
                    + " status = excluded.status, body = excluded.body WHERE excluded.revision > task.revision";

    private static final List<String> UNKNOWN_FIELD = List.of("additionalProperties", "unevaluatedProperties");

    private final Connection database;
    private final JsonSchema schema;
    private final ObjectMapper json = new ObjectMapper();

    private ConsumeTasks(Connection database, Path schemas) throws SQLException {
        this.database = database;
        var factory = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
        schema = factory.getSchema(SchemaLocation.of(schemas.toUri() + "retention-task.schema.json"));
        for (String table : TABLES) {
            change(table);
        }
        database.setAutoCommit(false);
    }

    public static void main(String[] arguments) throws SQLException {
        if (arguments.length < 4) {
            System.err.println("usage: BOOTSTRAP TOPIC DATABASE SCHEMAS [until-end]");
            System.exit(2);
        }
        boolean untilEnd = arguments.length > 4 && arguments[4].equals("until-end");
        try (Connection database = DriverManager.getConnection("jdbc:sqlite:" + arguments[2])) {
            var tasks = new ConsumeTasks(database, Path.of(arguments[3]).toAbsolutePath());
            tasks.consume(arguments[0], arguments[1], untilEnd);
        }
    }

    private void consume(String bootstrap, String topic, boolean untilEnd) throws SQLException {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", bootstrap,
                "group.id", "task-consumer-java",
                // What a detector wrote and took back is never seen.
                "isolation.level", "read_committed",
                // For a position of the database that the topic does not keep any more.
                "auto.offset.reset", "earliest",
                "enable.auto.commit", false);
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<byte[], byte[]>(settings, bytes, bytes)) {
            consumer.subscribe(List.of(topic), new FromDatabase(consumer));
            boolean atEnd = false;
            while (!atEnd) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    take(record);
                }
                // For those who watch the group's lag; the database's offsets are the ones that count.
                consumer.commitAsync();
                var assigned = consumer.assignment();
                atEnd = untilEnd && !assigned.isEmpty()
                        && consumer.endOffsets(assigned).entrySet().stream()
                                .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
            }
        }
    }

    /** Takes a record in: what it says, and the offset behind it. */
    private void take(ConsumerRecord<byte[], byte[]> record) throws SQLException {
        if (record.value() != null) {
            try {
                JsonNode task = json.readTree(record.value());
                // Fields of a newer detector are no fault, although the schema does not know them.
                var error = schema.validate(task).stream()
                        .filter(found -> !UNKNOWN_FIELD.contains(found.getType()))
                        .findFirst();
                if (error.isEmpty()) {
                    news(task);
                } else {
                    refuse(record, error.get().getInstanceLocation() + ": " + error.get().getType());
                }
            } catch (JsonProcessingException error) {
                refuse(record, "no JSON: " + error.getOriginalMessage());
            } catch (java.io.IOException error) {
                refuse(record, "unreadable");
            }
        }
        change("INSERT OR REPLACE INTO position VALUES (?, ?, ?)", record.topic(), record.partition(), record.offset() + 1);
        database.commit();
    }

    private void news(JsonNode task) throws SQLException {
        String name = task.get("task_id").asText();
        long revision = task.get("revision").asLong();
        String status = task.get("status").asText();
        if (change(TASK, name, revision, status, task.toString()) > 0) {
            System.out.println(name + " " + revision + " " + status);
        }
    }

    private void refuse(ConsumerRecord<byte[], byte[]> record, String why) throws SQLException {
        change("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", record.topic(), record.partition(), record.offset(), why);
    }

    private int change(String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = database.prepareStatement(sql)) {
            for (int index = 0; index < values.length; index++) {
                statement.setObject(index + 1, values[index]);
            }
            return statement.executeUpdate();
        }
    }

    /** Begins each partition where the database stands. */
    private final class FromDatabase implements ConsumerRebalanceListener {
        private final KafkaConsumer<byte[], byte[]> consumer;

        private FromDatabase(KafkaConsumer<byte[], byte[]> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            String sql = "SELECT next FROM position WHERE topic = ? AND partition = ?";
            try (PreparedStatement find = database.prepareStatement(sql)) {
                for (TopicPartition partition : partitions) {
                    find.setString(1, partition.topic());
                    find.setInt(2, partition.partition());
                    try (ResultSet found = find.executeQuery()) {
                        if (found.next()) {
                            consumer.seek(partition, found.getLong(1));
                        } else {
                            consumer.seekToBeginning(List.of(partition));
                        }
                    }
                }
            } catch (SQLException error) {
                throw new IllegalStateException(error);
            }
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {}
    }
}
