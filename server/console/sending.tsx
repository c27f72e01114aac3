import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import { Card, EmptyState } from '../pages/content.tsx';
import { Button, Field, Select } from '../pages/form.tsx';
import { Act, ConsolePage } from './frame.tsx';
import type { Visit } from './visit.ts';

/** A channel of one's own that a test can go to. */
export interface OwnChannel {
  readonly id: string;
  readonly title: string;
  readonly devices: number;
}

export interface TestForm {
  readonly project: string;
  readonly channel: string;
  readonly other: string;
  readonly subchannel: string;
  readonly payload: string;
}

export interface TestPageProps {
  /** Projects of the account that messages can count for. */
  readonly projects: readonly {
    readonly id: string;
    readonly name: string;
    readonly messagingEnabled: boolean;
    readonly subchannels: number | null;
  }[];
  /** Apps of the account's groups, with their names of subchannels. */
  readonly apps: readonly { readonly title: string; readonly subchannelNames: ReadonlyMap<string, number> }[];
  readonly channels: readonly OwnChannel[];
  readonly form: TestForm;
  readonly fault?: string | undefined;
}

const devicesText = (count: number): string => (count === 1 ? '1 device' : `${count} devices`);

/** Where the message goes: a channel of one's own, or one that is pasted. */
const Target = ({ channels, form }: Pick<TestPageProps, 'channels' | 'form'>): JSX.Element => {
  if (channels.length === 0) {
    return (
      <Field
        label="Channel id"
        name="other"
        value={form.other}
        hint="As getChannelId gave it to the app: 20 digits, a slash, 32 letters. Your own channels appear here once an app of yours runs in a browser where you are signed in."
        required
      />
    );
  }
  const own = channels.map(({ id, title, devices }) => ({
    value: id,
    label: `${title}, ${devicesText(devices)}`,
  }));
  return (
    <>
      <Select
        label="To yourself"
        name="channel"
        value={form.channel}
        options={[...own, { value: '', label: 'To the channel id below' }]}
      />
      <Field
        label="Or another channel id"
        name="other"
        value={form.other}
        hint="As getChannelId gave it to the app. It goes first when it is filled in."
      />
    </>
  );
};

/** Numbers as far as any project of the account may use them, then the names that its apps have for them. */
function subchannelOptions({ projects, apps }: TestPageProps): { value: string; label: string }[] {
  const count = Math.max(...projects.map(({ subchannels }) => subchannels ?? limits.subchannels));
  const numbers = Array.from({ length: count }, (_, n) => ({ value: String(n), label: String(n) }));
  const uses = new Map<string, string[]>();
  for (const { title, subchannelNames } of apps)
    for (const [name, number] of subchannelNames)
      if (number < count) uses.set(name, [...(uses.get(name) ?? []), `${number} of ${title}`]);
  return [
    ...numbers,
    ...[...uses].map(([name, of]) => ({ value: name, label: `${name} (${of.join(', ')})` })),
  ];
}

const TestFields = (props: TestPageProps): JSX.Element => {
  const { projects, channels, form } = props;
  return (
    <>
      <Select
        label="Project"
        name="project"
        value={form.project}
        hint="Its switch must be on; the message counts against its quota."
        options={projects.map(({ id, name, messagingEnabled }) => ({
          value: id,
          label: messagingEnabled ? name : `${name} (messaging is off)`,
        }))}
      />
      <Target channels={channels} form={form} />
      <Select
        label="Subchannel"
        name="subchannel"
        value={form.subchannel}
        hint="A device that is away gets the newest message of each."
        options={subchannelOptions(props)}
      />
      <Field
        label="Payload"
        name="payload"
        value={form.payload}
        lines={3}
        hint={`Text, at most ${limits.payloadBytes} bytes of UTF-8 unless the project has a higher limit.`}
      />
    </>
  );
};

/** Sends one message by hand, on the way that every message takes. */
export function testPage(visit: Visit, props: TestPageProps): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Send a test message"
      lead="It takes the way of every message: ownership, channel, quota, kept on disk, then every device."
      fault={props.fault}
    >
      {props.projects.length === 0 ? (
        <EmptyState
          title="A project first"
          action={<Button href="/console/projects">Create a project</Button>}
        >
          Each message counts for a project. Create one and switch messaging on.
        </EmptyState>
      ) : (
        <Card>
          <Act visit={visit} action="/console/test">
            <TestFields {...props} />
            <div>
              <Button>Send</Button>
            </div>
          </Act>
        </Card>
      )}
    </ConsolePage>
  );
}
