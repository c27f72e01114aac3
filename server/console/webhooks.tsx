import type { PropsWithChildren } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import { Badge, Card, EmptyState, Facts, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Check, Field, Select } from '../pages/form.tsx';
import {
  type EventType,
  eventTypes,
  type Owner,
  type ShownDelivery,
  type Webhook,
} from '../webhooks/webhook.ts';
import type { WantedTarget } from '../webhooks/webhooks.ts';
import { Act, ConsolePage, Id, More } from './frame.tsx';
import { ProjectFrame } from './project-frame.tsx';
import type { Visit } from './visit.ts';

/** The project or app that webhooks hang on, with its name. */
export interface NamedOwner extends Owner {
  readonly name: string;
}

export const homeOfWebhooks = ({ kind, id }: Owner): string =>
  `/console/${kind === 'project' ? 'projects' : 'apps'}/${id}/webhooks`;

const eventWords: Readonly<Record<EventType, string>> = {
  'message.received': 'a device has begun to handle it',
  'message.confirmed': 'a device has handled it',
  'message.superseded': 'a newer message took its place on a device',
  'message.expired': 'its time ran out before a device had handled it',
  'message.failed': `a device failed ${limits.failedRuns} times to handle it`,
  'message.withdrawn': 'the device left, or the message was taken back',
  'quota.warning': 'the project has used up 80\u00a0% or 95\u00a0% of its messages of the day',
  'device.gone': 'a device left a channel of the app: uninstalled, signed out or removed',
};

/** What a fresh webhook is told of. */
export const freshTarget: WantedTarget = {
  url: '',
  events: ['message.confirmed', 'message.expired', 'message.failed', 'device.gone', 'quota.warning'],
  all: false,
};

interface ListProps {
  readonly owner: NamedOwner;
  readonly webhooks: readonly Webhook[];
  readonly mayChange: boolean;
  readonly form: WantedTarget;
  readonly fault?: string | undefined;
}

/** The webhooks of a project or an app, and the form for one more. */
export function webhooksPage(
  visit: Visit,
  { owner, webhooks, mayChange, form, fault }: ListProps,
): JSX.Element {
  const addForm = mayChange && (
    <Card title={webhooks.length === 0 ? 'Name your first webhook' : 'Name another webhook'}>
      <Act visit={visit} action={homeOfWebhooks(owner)}>
        <TargetFields owner={owner} form={form} />
        <div>
          <Button>Make webhook</Button>
        </div>
      </Act>
    </Card>
  );
  return (
    <OwnerFrame visit={visit} owner={owner} fault={fault}>
      {webhooks.length === 0 ? (
        <EmptyState title="No webhook yet">
          A webhook is an address of yours that Reveille calls when something has become of a message, signed
          and until you have answered. {mayChange ? '' : 'An editor of the project can name one.'}
        </EmptyState>
      ) : (
        <Table
          caption="Webhooks"
          columns={['Address', 'Told of', 'State']}
          rows={webhooks.map((webhook) => [
            <a class="breaks" href={`/console/webhooks/${webhook.id}`}>
              {webhook.url}
            </a>,
            webhook.all ? 'every message' : 'messages that ask for it',
            <StateBadge of={webhook} />,
          ])}
        />
      )}
      {addForm}
    </OwnerFrame>
  );
}

interface FrameProps {
  readonly visit: Visit;
  readonly owner: NamedOwner;
  readonly fault?: string | undefined;
}

const lead = 'Addresses that are told what becomes of messages.';

const OwnerFrame = ({ visit, owner, fault, children }: PropsWithChildren<FrameProps>): JSX.Element =>
  owner.kind === 'project' ? (
    <ProjectFrame visit={visit} project={owner} title="Webhooks" lead={lead} fault={fault}>
      {children}
    </ProjectFrame>
  ) : (
    <ConsolePage
      visit={visit}
      title="Webhooks"
      lead={lead}
      trail={[
        ['/console/apps', 'Apps'],
        [`/console/apps/${owner.id}`, owner.name],
      ]}
      fault={fault}
    >
      {children}
    </ConsolePage>
  );

const StateBadge = ({ of: { disabled, failingSince } }: { of: Webhook }): JSX.Element => {
  if (disabled !== null) return <Badge kind="error">switched off</Badge>;
  return failingSince === null ? <Badge kind="success">on</Badge> : <Badge kind="warning">failing</Badge>;
};

const TargetFields = ({ owner, form }: { owner: Owner; form: WantedTarget }): JSX.Element => (
  <>
    <Field
      label="Address"
      name="url"
      type="url"
      value={form.url}
      hint="https, reachable from this server."
      placeholder="https://example.org/reveille"
      required
      maxlength={limits.webhookUrlCharacters}
    />
    <Select
      label="Messages"
      name="all"
      value={form.all ? 'all' : 'asked'}
      options={[
        { value: 'asked', label: 'Those sent with "receipts": true' },
        {
          value: 'all',
          label: owner.kind === 'app' ? 'Every message to this app' : 'Every message of this project',
        },
      ]}
    />
    <fieldset class="choices stack">
      <legend>Events</legend>
      {eventTypes
        .filter((type) => type !== (owner.kind === 'app' ? 'quota.warning' : 'device.gone'))
        .map((type) => (
          <Check name={type} checked={form.events.includes(type)}>
            <code>{type}</code>: {eventWords[type]}
          </Check>
        ))}
    </fieldset>
  </>
);

export interface WebhookPageProps {
  readonly owner: NamedOwner;
  readonly webhook: Webhook;
  readonly waiting: number;
  readonly recent: readonly ShownDelivery[];
  readonly mayChange: boolean;
  /** The secret, for ten minutes after it was made. */
  readonly secret: string | undefined;
  readonly sent?: WantedTarget | undefined;
  readonly fault?: string | undefined;
}

/** One webhook: how it stands, its secret, what was sent and answered, settings, its end. */
export function webhookPage(visit: Visit, props: WebhookPageProps): JSX.Element {
  const { owner, webhook, mayChange, fault } = props;
  const above = owner.kind === 'project' ? 'projects' : 'apps';
  return (
    <ConsolePage
      // It lies in the part of the console in which its owner lies.
      visit={{ ...visit, path: homeOfWebhooks(owner) }}
      title={new URL(webhook.url).host}
      lead={`Webhook of ${owner.name}.`}
      trail={[
        [`/console/${above}/${owner.id}`, owner.name],
        [homeOfWebhooks(owner), 'Webhooks'],
      ]}
      fault={fault}
    >
      {webhook.disabled !== null && offNotice(visit, webhook, mayChange)}
      {standingCard(visit, props)}
      {deliveriesCard(props)}
      {mayChange && settingsCard(visit, props)}
      {mayChange && endCard(visit, webhook)}
    </ConsolePage>
  );
}

function offNotice(visit: Visit, { id, disabled }: Webhook, mayChange: boolean): JSX.Element {
  return (
    <Notice kind="error">
      <div class="row apart">
        <p>Switched off. {disabled?.why} What happens meanwhile is not told.</p>
        {mayChange && (
          <Act visit={visit} action={`/console/webhooks/${id}/enable`} inline>
            <Button compact>Switch on again</Button>
          </Act>
        )}
      </div>
    </Notice>
  );
}

function standingCard(visit: Visit, { webhook, waiting, secret, mayChange }: WebhookPageProps): JSX.Element {
  const { id, url, failingSince, dropped, disabled, createdAt } = webhook;
  return (
    <Card title="How it stands">
      <Facts
        of={[
          ['Address', <span class="breaks">{url}</span>],
          ['State', <StateBadge of={webhook} />],
          ...(failingSince === null ? [] : ([['Failing since', <Time at={failingSince} />]] as const)),
          ['Events that wait', waiting.toLocaleString('en')],
          ...(dropped === 0
            ? []
            : ([['Dropped, the queue was full', dropped.toLocaleString('en')]] as const)),
          ['Created', <Time at={createdAt} />],
        ]}
      />
      {secret !== undefined && (
        <div class="stack">
          <Notice kind="warning">
            Shown for ten minutes after it was made, then never again. Calls are signed with it as Standard
            Webhooks says.
          </Notice>
          <Facts of={[['Signing secret', <Id of={secret} />]]} />
        </div>
      )}
      {mayChange && disabled === null && (
        <Act visit={visit} action={`/console/webhooks/${id}/test`} inline>
          <Button kind="quiet">Send a test event</Button>
        </Act>
      )}
    </Card>
  );
}

const stateWords = { waiting: 'waits', delivered: 'told', 'given-up': 'given up' } as const;
const stateKinds = { waiting: undefined, delivered: 'success', 'given-up': 'error' } as const;

function deliveriesCard({ recent }: WebhookPageProps): JSX.Element {
  return (
    <Card title="Events" lead={`The newest ${limits.webhookDeliveriesShown}, with the last answer.`}>
      {recent.length === 0 ? (
        <p class="soft">Nothing has been sent yet. A test event shows whether your receiver takes it.</p>
      ) : (
        <Table
          caption="Events that were sent or wait"
          columns={['Event', 'State', { label: 'Tries', align: 'number' }, 'Last answer', 'Next try']}
          rows={recent.map((one) => [
            <>
              <code>{one.type}</code>
              <small>
                <Time at={one.createdAt} />
              </small>
            </>,
            <Badge kind={stateKinds[one.state]}>{stateWords[one.state]}</Badge>,
            String(one.attempts),
            one.lastAnswer ?? 'none yet',
            one.nextAt === null ? '' : <Time at={one.nextAt} />,
          ])}
        />
      )}
    </Card>
  );
}

function settingsCard(visit: Visit, { owner, webhook, sent }: WebhookPageProps): JSX.Element {
  return (
    <Card title="Settings">
      <Act visit={visit} action={`/console/webhooks/${webhook.id}`}>
        <TargetFields owner={owner} form={sent ?? webhook} />
        <div>
          <Button>Save settings</Button>
        </div>
      </Act>
    </Card>
  );
}

function endCard(visit: Visit, { id, url }: Webhook): JSX.Element {
  return (
    <Card title="Renew the secret or remove">
      <More label="Make a fresh secret">
        <p>Calls are signed with the fresh one at once: give it to your receiver right after.</p>
        <Act visit={visit} action={`/console/webhooks/${id}/secret`}>
          <Check name="sure" required>
            Make the secret of today void
          </Check>
          <div>
            <Button kind="danger">Renew secret</Button>
          </div>
        </Act>
      </More>
      <More label="Remove the webhook">
        <Act visit={visit} action={`/console/webhooks/${id}/remove`}>
          <Check name="sure" required>
            Remove {new URL(url).host} and what waits for it
          </Check>
          <div>
            <Button kind="danger">Remove webhook</Button>
          </div>
        </Act>
      </More>
    </Card>
  );
}
