-- Everything here can be built anew from topics, but for rows of `outbox` that the brokers have not taken yet.
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS position (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
  PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- Times are milliseconds since 1970. `severity`, `tier`, `level` and `purpose` are places in the lists of task.rs.
CREATE TABLE IF NOT EXISTS task (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  msisdn TEXT NOT NULL,
  revision INTEGER NOT NULL,
  open INTEGER NOT NULL,
  close_reason TEXT,
  purpose INTEGER NOT NULL,
  severity INTEGER NOT NULL,
  score REAL NOT NULL,
  tier INTEGER NOT NULL,
  customer_kind TEXT NOT NULL,
  value REAL NOT NULL,
  stage TEXT NOT NULL,
  trigger TEXT NOT NULL,
  text_zh TEXT NOT NULL,
  text_en TEXT NOT NULL,
  manager TEXT NOT NULL,
  queue TEXT NOT NULL,
  region TEXT NOT NULL,
  level INTEGER NOT NULL,
  channel TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  contacted_at INTEGER,
  closed_at INTEGER,
  -- When it first was for a bulk campaign: decides which day's campaign has it.
  campaign_at INTEGER,
  outcome TEXT,
  stated_reason TEXT,
  confirmed_reason TEXT,
  -- What people did: see the table `desk`.
  holder TEXT,
  snoozed_until INTEGER NOT NULL DEFAULT 0,
  answered_at INTEGER,
  -- Counts up with each change of anything: of the task's first appearance, and of its latest change.
  first_seq INTEGER NOT NULL,
  seq INTEGER NOT NULL
);
-- The usual list and its count read nothing else.
CREATE INDEX IF NOT EXISTS task_list ON task (open, purpose, contacted_at IS NOT NULL, due_at, channel, snoozed_until);
-- Of which tasks time passes.
CREATE INDEX IF NOT EXISTS task_due ON task (due_at) WHERE open = 1 AND contacted_at IS NULL;
CREATE INDEX IF NOT EXISTS task_seq ON task (seq);
CREATE INDEX IF NOT EXISTS task_first ON task (first_seq);
CREATE INDEX IF NOT EXISTS task_msisdn ON task (msisdn);
CREATE INDEX IF NOT EXISTS task_region ON task (region, open);
CREATE INDEX IF NOT EXISTS task_manager ON task (manager, open);
CREATE INDEX IF NOT EXISTS task_queue ON task (queue, open);
CREATE INDEX IF NOT EXISTS task_digits ON task (substr(msisdn, -4));
CREATE INDEX IF NOT EXISTS task_opened ON task (opened_at);
CREATE INDEX IF NOT EXISTS task_closed ON task (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS task_campaign ON task (campaign_at) WHERE campaign_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS task_holder ON task (holder) WHERE holder IS NOT NULL;

-- The records themselves, compressed: lists need not read past them.
CREATE TABLE IF NOT EXISTS record (number INTEGER PRIMARY KEY, body BLOB NOT NULL);

CREATE TABLE IF NOT EXISTS step (
  task_id TEXT NOT NULL, revision INTEGER NOT NULL, at INTEGER NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (task_id, revision)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS desk (task_id TEXT PRIMARY KEY, settled TEXT NOT NULL, latest TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS signal (
  msisdn TEXT NOT NULL, fired_at INTEGER NOT NULL, trigger TEXT NOT NULL, suppressed TEXT
);
CREATE INDEX IF NOT EXISTS signal_msisdn ON signal (msisdn, fired_at);
CREATE INDEX IF NOT EXISTS signal_fired ON signal (fired_at);

CREATE TABLE IF NOT EXISTS signal_day (
  day INTEGER NOT NULL, trigger TEXT NOT NULL, suppressed TEXT NOT NULL, signals INTEGER NOT NULL,
  PRIMARY KEY (day, trigger, suppressed)
) WITHOUT ROWID;

-- What tasks achieve: the latest record of each partition and region.
CREATE TABLE IF NOT EXISTS uplift (
  partition INTEGER NOT NULL, region TEXT NOT NULL, counts TEXT NOT NULL,
  PRIMARY KEY (partition, region)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS view (
  who TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL,
  PRIMARY KEY (who, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit (
  id TEXT PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, task_id TEXT NOT NULL, detail TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS audit_at ON audit (at);
CREATE INDEX IF NOT EXISTS audit_task ON audit (task_id);

-- Of which tasks it was said that time has passed.
CREATE TABLE IF NOT EXISTS alert_said (
  task_id TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (task_id, kind)
) WITHOUT ROWID;

-- Alerts that could not be delivered yet, and that were given up.
CREATE TABLE IF NOT EXISTS alert_waiting (
  receiver TEXT NOT NULL, alert_id TEXT NOT NULL, partition INTEGER NOT NULL, since INTEGER NOT NULL, alert TEXT NOT NULL,
  -- An admin has it sent again.
  resent INTEGER NOT NULL,
  PRIMARY KEY (receiver, alert_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alert_failed (
  receiver TEXT NOT NULL, alert_id TEXT NOT NULL, task_id TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  -- What to send again.
  said TEXT,
  PRIMARY KEY (receiver, alert_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS alert_failed_task ON alert_failed (task_id);

-- Receivers that want nothing any more.
CREATE TABLE IF NOT EXISTS alert_gone (receiver TEXT PRIMARY KEY, at INTEGER NOT NULL, target TEXT NOT NULL) WITHOUT ROWID;

-- What is to be sent, in this order. A row goes when the brokers have taken it.
CREATE TABLE IF NOT EXISTS outbox (
  number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, key TEXT NOT NULL, value BLOB, at INTEGER NOT NULL
);
