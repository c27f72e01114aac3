import { type Kysely, type Migration, sql } from 'kysely';
import type { ControlTables } from './database.ts';

/**
 * The changes of our own tables, in order of their names. One that has been released is never edited.
 *
 * Foreign keys hold our tables together. None points at better-auth's `user`: better-auth owns that table, and the rooms
 * end what hangs on an account through `Accounts.onDelete`, where they can also end it outside the database.
 */
export const migrations: Record<string, Migration> = {
  '0001-control-plane': { up: controlPlane },
  '0002-store-packages': { up: storePackages },
  '0003-project-invitations': { up: projectInvitations },
  '0004-store-listings': { up: storeListings },
  '0005-webhooks': { up: webhookTables },
  '0006-traffic': { up: traffic },
  '0007-daily-targets': { up: dailyTargets },
  '0008-quota-warnings': { up: quotaWarnings },
  '0009-subchannels': { up: subchannels },
};

type Schema = Kysely<ControlTables>['schema'];

async function controlPlane(db: Kysely<ControlTables>): Promise<void> {
  await accountTables(db.schema);
  await projectTables(db.schema);
  await grantTables(db.schema);
  await appTables(db.schema);
}

async function accountTables(schema: Schema): Promise<void> {
  await schema
    .createTable('audit')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('account', 'text')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('audit_subject').on('audit').columns(['subject', 'id']).execute();
  await schema.createIndex('audit_account').on('audit').columns(['account', 'id']).execute();
  await schema
    .createTable('invites')
    .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('email', 'text')
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'integer', (column) => column.notNull())
    .addColumn('used_by', 'text')
    .execute();
}

async function projectTables(schema: Schema): Promise<void> {
  await schema
    .createTable('projects')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('messaging_enabled', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('daily_quota', 'integer')
    .addColumn('payload_bytes', 'integer')
    .execute();
  await schema
    .createTable('project_members')
    .addColumn('project', 'text', (column) => column.notNull().references('projects.id').onDelete('cascade'))
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull().check(sql`role in ('owner', 'editor', 'viewer')`))
    .addPrimaryKeyConstraint('project_members_key', ['project', 'account'])
    .execute();
  await schema.createIndex('project_members_account').on('project_members').column('account').execute();
  await schema
    .createTable('clients')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('project', 'text', (column) => column.notNull().references('projects.id').onDelete('cascade'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull().check(sql`kind in ('web', 'installed')`))
    .addColumn('secret_sealed', 'text', (column) => column.notNull())
    .addColumn('redirect_uris', 'text', (column) => column.notNull())
    .addColumn('origins', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .execute();
  await schema.createIndex('clients_project').on('clients').column('project').execute();
}

async function grantTables(schema: Schema): Promise<void> {
  await schema
    .createTable('grants')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('ended_at', 'integer')
    .execute();
  await schema.createIndex('grants_account').on('grants').columns(['account', 'client']).execute();
  await schema.createIndex('grants_client').on('grants').column('client').execute();
  await schema
    .createTable('codes')
    .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('redirect_uri', 'text', (column) => column.notNull())
    .addColumn('offline', 'integer', (column) => column.notNull())
    .addColumn('code_challenge', 'text')
    .addColumn('code_challenge_method', 'text')
    .addColumn('sign_in', 'text')
    .addColumn('expires_at', 'integer', (column) => column.notNull())
    .addColumn('used_grant', 'text')
    .execute();
  await schema.createIndex('codes_expires').on('codes').column('expires_at').execute();
  await tokenTables(schema);
}

async function tokenTables(schema: Schema): Promise<void> {
  await schema
    .createTable('refresh_tokens')
    .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('grant', 'text', (column) => column.notNull().references('grants.id').onDelete('cascade'))
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('last_used_at', 'integer')
    .execute();
  await schema.createIndex('refresh_tokens_grant').on('refresh_tokens').column('grant').execute();
  await schema
    .createTable('access_tokens')
    .addColumn('hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('grant', 'text', (column) => column.notNull().references('grants.id').onDelete('cascade'))
    .addColumn('issue', 'integer', (column) => column.notNull())
    .addColumn('refresh_hash', 'text')
    .addColumn('sign_in', 'text')
    .addColumn('issued_at', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('access_tokens_grant')
    .on('access_tokens')
    .columns(['grant', 'issue'])
    .unique()
    .execute();
  await schema.createIndex('access_tokens_expires').on('access_tokens').column('expires_at').execute();
}

async function appTables(schema: Schema): Promise<void> {
  await schema
    .createTable('publisher_groups')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .execute();
  await schema
    .createTable('group_members')
    .addColumn('group', 'text', (column) =>
      column.notNull().references('publisher_groups.id').onDelete('cascade'),
    )
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) =>
      column.notNull().check(sql`role in ('owner', 'member', 'invited')`),
    )
    .addPrimaryKeyConstraint('group_members_key', ['group', 'account'])
    .execute();
  await schema.createIndex('group_members_account').on('group_members').column('account').execute();
  await schema
    .createTable('apps')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('group', 'text', (column) => column.notNull().references('publisher_groups.id'))
    .addColumn('title', 'text', (column) => column.notNull())
    .addColumn('public_key', 'text', (column) => column.notNull())
    .addColumn('private_key_sealed', 'text')
    .addColumn('proven', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('channel_consent', 'text', (column) =>
      column.notNull().defaultTo('none').check(sql`channel_consent in ('none', 'ask')`),
    )
    .addColumn('origins', 'text', (column) => column.notNull().defaultTo('[]'))
    .addColumn('redirect_uris', 'text', (column) => column.notNull().defaultTo('[]'))
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .execute();
  await schema.createIndex('apps_group').on('apps').column('group').execute();
}

async function storePackages({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema
    .createTable('store_packages')
    .addColumn('app', 'text', (column) => column.notNull().references('apps.id').onDelete('cascade'))
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('bytes', 'integer', (column) => column.notNull())
    .addColumn('uploaded_at', 'integer', (column) => column.notNull())
    .addColumn('published_at', 'integer')
    .addColumn('offered', 'integer', (column) => column.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('store_packages_key', ['app', 'version'])
    .execute();
}

async function projectInvitations({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema
    .createTable('project_invitations')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('project', 'text', (column) => column.notNull().references('projects.id').onDelete('cascade'))
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('account', 'text')
    .addColumn('role', 'text', (column) => column.notNull().check(sql`role in ('owner', 'editor', 'viewer')`))
    .addColumn('invited_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'integer', (column) => column.notNull())
    .addUniqueConstraint('project_invitations_address', ['project', 'email'])
    .execute();
  await schema
    .createIndex('project_invitations_account')
    .on('project_invitations')
    .column('account')
    .execute();
}

async function storeListings({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema.alterTable('store_packages').addColumn('icon', 'text').execute();
  await schema
    .createTable('store_items')
    .addColumn('app', 'text', (column) =>
      column.primaryKey().notNull().references('apps.id').onDelete('cascade'),
    )
    .addColumn('details', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('store_screenshots')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('app', 'text', (column) => column.notNull().references('apps.id').onDelete('cascade'))
    .addColumn('file', 'text', (column) => column.notNull())
    .addColumn('width', 'integer', (column) => column.notNull())
    .addColumn('height', 'integer', (column) => column.notNull())
    .addUniqueConstraint('store_screenshots_file', ['app', 'file'])
    .execute();
  await schema
    .createTable('store_testers')
    .addColumn('app', 'text', (column) => column.notNull().references('apps.id').onDelete('cascade'))
    .addColumn('account', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('store_testers_key', ['app', 'account'])
    .execute();
}

async function webhookTables({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema
    .createTable('webhooks')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('project', 'text', (column) => column.references('projects.id').onDelete('cascade'))
    .addColumn('app', 'text', (column) => column.references('apps.id').onDelete('cascade'))
    .addColumn('app_group', 'text')
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('secret_sealed', 'text', (column) => column.notNull())
    .addColumn('events', 'text', (column) => column.notNull())
    .addColumn('all_messages', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('disabled_at', 'integer')
    .addColumn('disabled_why', 'text')
    .addColumn('failing_since', 'integer')
    .addColumn('dropped', 'integer', (column) => column.notNull().defaultTo(0))
    .addCheckConstraint('webhooks_owner', sql`(project is null) <> (app is null)`)
    .execute();
  await schema.createIndex('webhooks_project').on('webhooks').column('project').execute();
  await schema.createIndex('webhooks_app').on('webhooks').column('app').execute();
  await schema
    .createTable('webhook_deliveries')
    .addColumn('seq', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('webhook', 'text', (column) => column.notNull().references('webhooks.id').onDelete('cascade'))
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) =>
      column.notNull().check(sql`state in ('waiting', 'delivered', 'given-up')`),
    )
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('last_answer', 'text')
    .addColumn('last_at', 'integer')
    .addColumn('next_at', 'integer')
    .execute();
  await schema
    .createIndex('webhook_deliveries_due')
    .on('webhook_deliveries')
    .columns(['state', 'next_at'])
    .execute();
  await schema
    .createIndex('webhook_deliveries_webhook')
    .on('webhook_deliveries')
    .columns(['webhook', 'state'])
    .execute();
  await schema
    .createIndex('webhook_deliveries_created')
    .on('webhook_deliveries')
    .column('created_at')
    .execute();
  await schema
    .createTable('webhook_followed')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('version', 'integer')
    .addColumn('asked', 'integer', (column) => column.notNull())
    .addColumn('until', 'integer', (column) => column.notNull())
    .execute();
}

async function traffic({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema
    .createTable('traffic')
    .addColumn('project', 'text', (column) => column.notNull())
    .addColumn('app', 'text', (column) => column.notNull())
    .addColumn('grain', 'text', (column) => column.notNull().check(sql`grain in ('minute', 'hour')`))
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('traffic_key', ['project', 'grain', 'at', 'app', 'kind'])
    .execute();
  await schema.createIndex('traffic_app').on('traffic').columns(['app', 'grain', 'at']).execute();
  await schema.createIndex('traffic_age').on('traffic').columns(['grain', 'at']).execute();
}

async function dailyTargets({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema.alterTable('projects').addColumn('daily_targets', 'integer').execute();
}

async function quotaWarnings({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema
    .createTable('quota_warnings')
    .addColumn('project', 'text', (column) =>
      column.primaryKey().notNull().references('projects.id').onDelete('cascade'),
    )
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('percent', 'integer', (column) => column.notNull())
    .execute();
}

async function subchannels({ schema }: Kysely<ControlTables>): Promise<void> {
  await schema.alterTable('projects').addColumn('subchannels', 'integer').execute();
  await schema
    .alterTable('apps')
    .addColumn('subchannel_names', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute();
}
