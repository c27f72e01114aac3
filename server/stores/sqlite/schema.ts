import type { Database } from 'bun:sqlite';

/**
 * The schema of messages.db, one step per entry; `PRAGMA user_version` counts the steps taken. A step that was released is
 * never edited: the next one changes what it made. Times are milliseconds since 1970. docs/storage.md says what is in here.
 */
const steps: readonly string[] = [
  `
  -- last_version: OR2 outlives pruning. swept_to: every message up to it has left the trace.
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

  -- A removed user's channel stays with user NULL, so that its id is never given again (CH1). That of a push subscription
  -- has neither id nor app nor user: it is known by its key alone.
  CREATE TABLE channels (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE,
    app TEXT,
    user TEXT,
    state TEXT NOT NULL CHECK (state IN ('live', 'paused', 'removed')),
    created_at INTEGER NOT NULL,
    CHECK ((id IS NULL) = (app IS NULL))
  ) STRICT;
  CREATE UNIQUE INDEX channels_by_user ON channels (user, app) WHERE user IS NOT NULL;
  CREATE INDEX channels_by_app ON channels (app) WHERE state <> 'removed';

  -- since: the last version when the device was registered; it is entitled to what came after (FO2).
  CREATE TABLE devices (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    channel INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    sign_in TEXT,
    transport TEXT,
    since INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT;
  CREATE INDEX devices_by_channel ON devices (channel);
  CREATE INDEX devices_by_sign_in ON devices (sign_in) WHERE sign_in IS NOT NULL;
  CREATE INDEX devices_removed ON devices (removed_at) WHERE removed_at IS NOT NULL;
  -- A device that left has no transport.
  CREATE INDEX devices_wakeable ON devices (channel) WHERE transport IS NOT NULL;

  -- A push subscription: a channel with one device. A removed one stays for a while, so that its senders learn of it.
  CREATE TABLE subscriptions (
    channel INTEGER PRIMARY KEY,
    device INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX subscriptions_by_name ON subscriptions (holder, name);
  CREATE INDEX subscriptions_removed ON subscriptions (removed_at) WHERE removed_at IS NOT NULL;
  -- Browser profiles with live subscriptions, and when each last connected.
  CREATE TABLE holders (id TEXT PRIMARY KEY, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX holders_by_seen ON holders (seen_at);

  CREATE TABLE projects (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE quota (
    project TEXT NOT NULL,
    day TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    PRIMARY KEY (project, day)
  ) STRICT, WITHOUT ROWID;

  -- Append only: a row is never changed, only removed by pruning. Both indexes end with the version by themselves.
  -- headers: with an encrypted push, how its body is encoded (JSON). receipts: the receipts that its sender asked for.
  CREATE TABLE messages (
    version INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    slot TEXT,
    project INTEGER NOT NULL,
    payload TEXT NOT NULL,
    headers TEXT,
    urgency TEXT,
    receipts TEXT,
    accepted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messages_by_slot ON messages (channel, slot);
  CREATE INDEX messages_by_project ON messages (project);
  CREATE INDEX messages_by_receipts ON messages (receipts) WHERE receipts IS NOT NULL;

  -- Per device and slot: every message of the slot up to the version has ended on the device.
  CREATE TABLE marks (
    device INTEGER NOT NULL,
    slot TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (device, slot)
  ) STRICT, WITHOUT ROWID;
  -- ME2: how a message ended on a device.
  CREATE TABLE outcomes (
    version INTEGER NOT NULL,
    device INTEGER NOT NULL,
    ending TEXT NOT NULL CHECK (ending IN ('confirmed', 'superseded', 'expired', 'failed', 'withdrawn')),
    at INTEGER NOT NULL,
    PRIMARY KEY (version, device)
  ) STRICT, WITHOUT ROWID;
  -- HA2: runs that ended badly.
  CREATE TABLE runs (
    version INTEGER NOT NULL,
    device INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (version, device)
  ) STRICT, WITHOUT ROWID;
  -- Messages without a slot that still wait for some device.
  CREATE TABLE queued (
    channel INTEGER NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (channel, version)
  ) STRICT, WITHOUT ROWID;
  -- The newest message of each topic that still waits for some device.
  CREATE TABLE topics (
    channel INTEGER NOT NULL,
    slot TEXT NOT NULL,
    version INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (channel, slot)
  ) STRICT, WITHOUT ROWID;
  -- Messages that left the trace and still wait, by the time at which they end by themselves.
  CREATE TABLE lingering (
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (expires_at, version)
  ) STRICT, WITHOUT ROWID;
  -- Messages that left the trace and have ended on one more device since: pruning looks at them again.
  CREATE TABLE revisit (version INTEGER PRIMARY KEY) STRICT;
  `,
  `
  -- Of a multicast's message: until when its state is kept.
  ALTER TABLE messages ADD COLUMN state_until INTEGER;
  -- Channels that multicasts reached; accepted counts each multicast once.
  ALTER TABLE quota ADD COLUMN targets INTEGER NOT NULL DEFAULT 0;
  -- One request to many channels, as it was answered. targets: JSON, [channel id, version or code] in the order of the request.
  CREATE TABLE multicasts (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    key TEXT,
    body_hash TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    targets TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX multicasts_by_key ON multicasts (project, key) WHERE key IS NOT NULL;
  CREATE INDEX multicasts_by_time ON multicasts (accepted_at);
  -- When a tracked message first went out to a device, and when a run of it first began there.
  CREATE TABLE steps (
    version INTEGER NOT NULL,
    device INTEGER NOT NULL,
    sent_at INTEGER,
    received_at INTEGER,
    PRIMARY KEY (version, device)
  ) STRICT, WITHOUT ROWID;
  -- When a device of the channel last confirmed a message.
  CREATE TABLE confirms (channel INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  `,
  `
  -- What is less urgent is withheld from the device.
  ALTER TABLE devices ADD COLUMN lowest_urgency TEXT NOT NULL DEFAULT 'very-low';
  `,
  `
  -- The queue of a subchannel; none = that of a push subscription.
  ALTER TABLE queued ADD COLUMN slot TEXT;
  CREATE INDEX queued_by_slot ON queued (channel, slot, expires_at) WHERE slot IS NOT NULL;
  `,
  `
  -- 'any': the first device that confirms the message ends it for the others.
  ALTER TABLE messages ADD COLUMN deliver TEXT;
  `,
  `
  -- The user has seen a subchannel up to a version.
  CREATE TABLE seen (
    channel INTEGER NOT NULL,
    subchannel INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (channel, subchannel, version)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- expired: the newest message that expired before the browser got it, of those that pruning removed; 0 = none.
  -- told: up to which version the browser was told of what expired.
  ALTER TABLE subscriptions ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE subscriptions ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
  `,
];

/**
 * Takes the steps that the database has not taken yet, each in a transaction of its own.
 * @throws Error with a text for the operator when the database was written by a later Reveille.
 */
export function migrate(db: Database, path: string): void {
  const taken = db.query<{ user_version: number }, []>('PRAGMA user_version').get()?.user_version ?? 0;
  if (taken > steps.length) {
    throw new Error(
      `${path} has schema ${taken}, this Reveille knows up to ${steps.length}. ` +
        'It was written by a later version: start that version, or restore the backup made before the upgrade.',
    );
  }
  for (const [index, step] of steps.entries()) {
    if (index < taken) continue;
    db.transaction(() => {
      db.run(step);
      db.run(`PRAGMA user_version = ${index + 1}`);
    }).immediate();
  }
}
