import type { JSX } from 'hono/jsx/jsx-runtime';
import { Badge, Card, Table, Time } from '../pages/content.tsx';
import { Button, Field } from '../pages/form.tsx';
import type { GroupEvent, Member } from '../webstore/groups.ts';
import { Act, ConsolePage, More } from './frame.tsx';
import type { Visit } from './visit.ts';

export interface GroupPageProps {
  readonly id: string;
  readonly name: string;
  readonly members: readonly Member[];
  readonly history: readonly GroupEvent[];
  readonly fault?: string | undefined;
}

/** One publisher group: members, invitations, what happened. */
export function groupPage(visit: Visit, { id, name, members, history, fault }: GroupPageProps): JSX.Element {
  const owner = members.some(({ account, role }) => account === visit.account.id && role === 'owner');
  const home = `/console/groups/${id}`;
  return (
    <ConsolePage
      visit={visit}
      title={name}
      lead="Publisher group: its accounts may send for all of its apps."
      trail={[['/console/apps', 'Apps']]}
      fault={fault}
    >
      <Card title="Members">
        {owner && (
          <More label="Invite an account">
            <Act visit={visit} action={`${home}/invite`}>
              <Field
                label="E-mail address"
                name="email"
                type="email"
                hint="Of an account on this server. It joins when its owner says yes."
                required
              />
              <div>
                <Button>Invite</Button>
              </div>
            </Act>
          </More>
        )}
        <Table
          caption="Members of the group"
          columns={['Account', 'Role', { label: 'Actions', align: 'end', unseen: true }]}
          rows={members.map((member) => [
            <>
              {member.name}
              <small>{member.email}</small>
            </>,
            member.role === 'invited' ? <Badge kind="info">invited</Badge> : member.role,
            actions(visit, home, member, owner),
          ])}
        />
      </Card>
      <Card title="What happened">
        <Table
          caption="History of the group and its apps"
          columns={['When', 'Who', 'What']}
          rows={history.map(({ at, who, event, detail }) => [
            <Time at={at} />,
            who ?? 'the server',
            <>
              {wordsOf(event)}
              <small class="breaks">{detail}</small>
            </>,
          ])}
        />
      </Card>
    </ConsolePage>
  );
}

function actions(visit: Visit, home: string, member: Member, owner: boolean): JSX.Element {
  const self = member.account === visit.account.id;
  const hidden = { account: member.account };
  return (
    <div class="row end">
      {owner && member.role !== 'invited' && !self && (
        <Act
          visit={visit}
          action={`${home}/role`}
          hidden={{ ...hidden, role: member.role === 'owner' ? 'member' : 'owner' }}
          inline
        >
          <Button
            kind="quiet"
            compact
            label={`Make ${member.email} ${member.role === 'owner' ? 'a member' : 'an owner'}`}
          >
            {member.role === 'owner' ? 'Make member' : 'Make owner'}
          </Button>
        </Act>
      )}
      {(owner || self) && (
        <Act visit={visit} action={`${home}/remove`} hidden={hidden} inline>
          <Button kind="quiet" compact label={self ? 'Leave the group' : `Remove ${member.email}`}>
            {self ? 'Leave' : 'Remove'}
          </Button>
        </Act>
      )}
    </div>
  );
}

/** "app.key-downloaded" as a person says it. */
function wordsOf(event: string): string {
  const [subject = '', done = ''] = event.split('.');
  return `${subject[0]?.toUpperCase() ?? ''}${subject.slice(1)} ${done.replaceAll('-', ' ')}`;
}
