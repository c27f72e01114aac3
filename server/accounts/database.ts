import type { Generated, Kysely } from 'kysely';

/**
 * The control plane: one schema for accounts, projects, clients, grants and apps. Tables of better-auth (`user`,
 * `session`, `account`, `verification`) are created by its own migrations; only the columns that we read are named here.
 * Times are milliseconds since 1970. Secrets are sealed or hashed (docs/storage.md).
 */
export interface ControlTables {
  user: UserTable;
  verification: VerificationTable;
  audit: AuditTable;
  invites: InviteTable;
  projects: ProjectTable;
  project_members: ProjectMemberTable;
  quota_warnings: QuotaWarningTable;
  project_invitations: ProjectInvitationTable;
  clients: ClientTable;
  grants: GrantTable;
  codes: CodeTable;
  refresh_tokens: RefreshTokenTable;
  access_tokens: AccessTokenTable;
  publisher_groups: PublisherGroupTable;
  group_members: GroupMemberTable;
  apps: AppTable;
  store_packages: StorePackageTable;
  store_items: StoreItemTable;
  store_screenshots: StoreScreenshotTable;
  store_testers: StoreTesterTable;
  webhooks: WebhookTable;
  webhook_deliveries: WebhookDeliveryTable;
  webhook_followed: WebhookFollowedTable;
  traffic: TrafficTable;
}

export type ControlDatabase = Kysely<ControlTables>;

interface UserTable {
  id: string;
  email: string;
  name: string;
  role: 'administrator' | 'user';
  /** 1 = may not sign in, and every right that rests on the account has ended. */
  disabled: number;
  /** ISO 8601, as better-auth keeps dates in SQLite. */
  createdAt: string;
  updatedAt: string;
}

interface VerificationTable {
  /** The account that a link for a new password is for. */
  value: string;
}

interface AuditTable {
  id: Generated<number>;
  at: number;
  /** The account that did it; null for the system. */
  account: string | null;
  /** What it is about: a project, an app, an account. */
  subject: string;
  event: string;
  detail: string;
}

interface InviteTable {
  /** SHA-256 of the code. */
  hash: string;
  email: string | null;
  created_at: number;
  expires_at: number;
  used_by: string | null;
}

interface ProjectTable {
  /** 12 digits, as Google's project numbers. */
  id: string;
  name: string;
  created_at: number;
  messaging_enabled: number;
  /** null = the server's default; 0 = none. */
  daily_quota: number | null;
  payload_bytes: number | null;
  /** As daily_quota, of the channels that multicasts reach. */
  daily_targets: Generated<number | null>;
  /** How many subchannels its senders may use at /v2; null = the default. */
  subchannels: Generated<number | null>;
}

interface ProjectMemberTable {
  project: string;
  account: string;
  role: 'owner' | 'editor' | 'viewer';
}

interface QuotaWarningTable {
  project: string;
  /** The quota day of the last warning, and how much of it was used up. */
  day: string;
  percent: number;
}

interface ProjectInvitationTable {
  id: string;
  project: string;
  email: string;
  /** Whoever had the address when it was invited; null = nobody, so nobody can answer. */
  account: string | null;
  role: 'owner' | 'editor' | 'viewer';
  invited_by: string;
  expires_at: number;
}

interface ClientTable {
  /** `<project>-<32 letters or digits>.apps.reveille`. */
  id: string;
  project: string;
  name: string;
  kind: 'web' | 'installed';
  secret_sealed: string;
  /** JSON arrays of strings. */
  redirect_uris: string;
  origins: string;
  created_at: number;
}

interface GrantTable {
  id: string;
  account: string;
  /** A client id, or the app id when an installed app is its own client. */
  client: string;
  scope: string;
  created_at: number;
  /** Set when the grant was revoked; every token under it is void. */
  ended_at: number | null;
}

interface CodeTable {
  /** SHA-256 of the code. */
  hash: string;
  account: string;
  client: string;
  scope: string;
  redirect_uri: string;
  offline: number;
  code_challenge: string | null;
  code_challenge_method: string | null;
  /** The id of the better-auth session in which consent was given. */
  sign_in: string | null;
  expires_at: number;
  /** The grant made from it; a second use ends that grant (RFC 6749 section 4.1.2). */
  used_grant: string | null;
}

interface RefreshTokenTable {
  /** SHA-256 of the token. */
  hash: string;
  grant: string;
  created_at: number;
  last_used_at: number | null;
}

interface AccessTokenTable {
  /** SHA-256 of the token. The token is derived again from grant and issue, never stored. */
  hash: string;
  grant: string;
  issue: number;
  /** SHA-256 of the refresh token it came from; null when it came with the code and no refresh token. */
  refresh_hash: string | null;
  /** The sign-in behind an app's own client (from the code); null for a project's client. */
  sign_in: string | null;
  issued_at: number;
  expires_at: number;
}

interface PublisherGroupTable {
  id: string;
  name: string;
  created_at: number;
}

interface GroupMemberTable {
  group: string;
  account: string;
  /** 'invited' = asked by an owner, no right before its own yes. */
  role: 'owner' | 'member' | 'invited';
}

interface AppTable {
  /** 32 letters a-p. */
  id: string;
  group: string;
  title: string;
  /** Base64 of the DER SubjectPublicKeyInfo: the manifest's `key`. */
  public_key: string;
  /** PKCS#8 PEM sealed with the server's secret; null when only the public key is known. */
  private_key_sealed: string | null;
  proven: number;
  /** 'none' = being signed in is enough for a channel; 'ask' = a consent page comes first. */
  channel_consent: 'none' | 'ask';
  /** JSON array: origins of a hosted app. */
  origins: string;
  /** JSON array: redirects beside https://<id>.chromiumapp.org/. */
  redirect_uris: string;
  /** JSON: numbers of subchannels by name. */
  subchannel_names: Generated<string>;
  created_at: number;
}

interface StorePackageTable {
  app: string;
  version: string;
  /** As its manifest says, in its default language. */
  name: string;
  description: string;
  /** Hex, of the crx on disk. */
  sha256: string;
  bytes: number;
  uploaded_at: number;
  /** When it was first published; null while it is a draft. */
  published_at: number | null;
  /** 1 = the update service gives it out to everybody, 2 = to testers. Of each at most one of an app. */
  offered: number;
  /** The file of its icon, as we made it; null when it has none. */
  icon: string | null;
}

interface StoreItemTable {
  app: string;
  /** What the publishers say about it: plain text. */
  details: string;
}

interface StoreScreenshotTable {
  id: Generated<number>;
  app: string;
  file: string;
  width: number;
  height: number;
}

interface StoreTesterTable {
  app: string;
  account: string;
}

interface WebhookTable {
  id: string;
  /** One of the two is set. */
  project: string | null;
  app: string | null;
  /** The publisher group of the app when it was made: when the app changes hands, the webhook is void. */
  app_group: string | null;
  url: string;
  secret_sealed: string;
  /** JSON array of event types. */
  events: string;
  /** 1 = told of every message, 0 = of those that ask for it. */
  all_messages: number;
  created_at: number;
  disabled_at: number | null;
  disabled_why: string | null;
  failing_since: number | null;
  /** Events that found the queue full. */
  dropped: number;
}

interface WebhookDeliveryTable {
  seq: Generated<number>;
  /** The `webhook-id` of its calls. */
  id: string;
  webhook: string;
  type: string;
  /** JSON, as it is signed and sent. */
  body: string;
  created_at: number;
  state: 'waiting' | 'delivered' | 'given-up';
  attempts: number;
  last_answer: string | null;
  last_at: number | null;
  next_at: number | null;
}

interface WebhookFollowedTable {
  /** Of a request of the second API; else the version, in digits. */
  id: string;
  version: number | null;
  /** 1 = its sender asked for receipts. */
  asked: number;
  until: number;
}

interface TrafficTable {
  project: string;
  /** Empty where it is not known. */
  app: string;
  grain: 'minute' | 'hour';
  /** Where the minute or hour begins. */
  at: number;
  /** What was counted: server/traffic/counts.ts. */
  kind: string;
  count: number;
}
