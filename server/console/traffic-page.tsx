import type { Child } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { Badge, Card, EmptyState, Table, Time } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { type Counts, countOf, percentile, refusalsOf } from '../traffic/counts.ts';
import type { Span, Traffic } from '../traffic/ledger.ts';
import { ConsolePage, Id, More } from './frame.tsx';
import { type Line, LineChart } from './line-chart.tsx';
import { ProjectFrame } from './project-frame.tsx';
import type { Visit } from './visit.ts';

export interface TrafficView {
  /** Address of the page without its query. */
  readonly home: string;
  readonly span: Span;
  /** The one app of a project that is shown; undefined = all. */
  readonly app: string | undefined;
  /** Is the page drawn anew by itself? */
  readonly live: boolean;
  readonly traffic: Traffic;
  /** Names of apps, as far as the one who looks may know them. */
  readonly titles: ReadonlyMap<string, string>;
  /** Are there several apps to tell apart? */
  readonly perApp: boolean;
}

const spanWords: Readonly<Record<Span, string>> = { hour: 'hour', day: 'day', month: '30 days' };

/** Address of the live script. */
export const livePath = '/console/live.js';

const lead =
  'What became of messages. Endings count once for each device: a message to three devices may be accepted once and confirmed three times.';

/** The traffic of a project. */
export function projectTrafficPage(
  visit: Visit,
  project: { readonly id: string; readonly name: string },
  view: TrafficView,
): JSX.Element {
  return (
    <ProjectFrame visit={visit} project={project} title="Traffic" lead={lead}>
      {trafficContent(view)}
    </ProjectFrame>
  );
}

/** The traffic of an app, whichever project sent it. */
export function appTrafficPage(
  visit: Visit,
  app: { readonly id: string; readonly title: string },
  view: TrafficView,
): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Traffic"
      lead={lead}
      trail={[
        ['/console/apps', 'Apps'],
        [`/console/apps/${app.id}`, app.title],
      ]}
    >
      {trafficContent(view)}
    </ConsolePage>
  );
}

function trafficContent(view: TrafficView): JSX.Element {
  const { traffic } = view;
  return (
    <>
      <div class="row apart">
        <nav class="parts" aria-label="Span of time">
          {(Object.keys(spanWords) as Span[]).map((span) => (
            <a href={linkTo(view, { span })} aria-current={span === view.span ? 'true' : undefined}>
              Last {spanWords[span]}
            </a>
          ))}
        </nav>
        <Button kind="quiet" compact href={linkTo(view, { live: !view.live })}>
          {view.live ? 'Stop updating' : 'Update by itself'}
        </Button>
      </div>
      {view.app !== undefined && (
        <p>
          Of the app {view.titles.get(view.app) ?? <Id of={view.app} />} alone.{' '}
          <a href={linkTo(view, { app: undefined })}>Show all apps</a>
        </p>
      )}
      <div id="live" data-live={view.live ? 'on' : undefined} class="stack-wide">
        {traffic.total.size === 0 ? (
          <EmptyState
            title={`Nothing in the last ${spanWords[view.span]}`}
            action={<Button href="/console/test">Send a test message</Button>}
          >
            As soon as messages are sent you see here how many were accepted, delivered, confirmed or refused,
            and how long it took.
          </EmptyState>
        ) : (
          trafficCards(view)
        )}
      </div>
      {view.live && <script src={livePath} type="module" />}
    </>
  );
}

function trafficCards(view: TrafficView): JSX.Element {
  const { traffic, perApp } = view;
  return (
    <>
      {totals(view)}
      <Card title="Over time">{charts(view)}</Card>
      {perApp && view.app === undefined && appsCard(view)}
      {refusalsCard(traffic.total)}
      <More label="The numbers as a table">{numbers(view)}</More>
    </>
  );
}

const otherEndings = ['superseded', 'expired', 'failed', 'withdrawn'] as const;

function totals({ traffic: { total } }: TrafficView): JSX.Element {
  const refused = refusalsOf(total).reduce((sum, [, count]) => sum + count, 0);
  const figures: readonly (readonly [label: string, value: Child, hint: string])[] = [
    ['Accepted', numberText(countOf(total, 'accepted')), 'messages kept and answered'],
    ['Delivered', numberText(countOf(total, 'delivered')), 'handed to a device or its push service'],
    ['Confirmed', numberText(countOf(total, 'confirmed')), 'handlers that ended well'],
    ['Coalesced', numberText(countOf(total, 'superseded')), 'replaced by a newer one of their subchannel'],
    ['Expired', numberText(countOf(total, 'expired')), 'no device came in time'],
    ['Failed', numberText(countOf(total, 'failed')), 'handlers that failed again and again'],
    ['Refused', numberText(refused), 'by reason below'],
    [
      'Time to confirm',
      timeText(percentile(total, 0.5)),
      `median; 95 %: ${timeText(percentile(total, 0.95))}`,
    ],
  ];
  return (
    <dl class="figures">
      {figures.map(([label, value, hint]) => (
        <div>
          <dt>{label}</dt>
          <dd>
            <span>{value}</span>
            <small>{hint}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function charts({ traffic, span }: TrafficView): JSX.Element {
  const { steps, total } = traffic;
  const valuesOf = (value: (counts: Counts) => number | undefined) =>
    steps.map(({ counts }) => value(counts));
  const counted = (label: string, kind: Parameters<typeof countOf>[1]): Line => ({
    label,
    values: valuesOf((counts) => countOf(counts, kind)),
  });
  const first = steps[0]?.at ?? 0;
  const ends = { from: span === 'month' ? dayText(first) : clockText(first), to: 'now' };
  const sum = (...kinds: Parameters<typeof countOf>[1][]) =>
    kinds.map((kind) => `${numberText(countOf(total, kind))} ${kind}`).join(', ');
  const part = (label: string, share: number): Line => ({
    label,
    values: valuesOf((counts) => percentile(counts, share)),
  });
  return (
    <>
      <LineChart
        title="Messages"
        summary={`In the last ${spanWords[span]}: ${sum('accepted', 'delivered', 'confirmed')}.`}
        lines={[
          counted('Accepted', 'accepted'),
          counted('Delivered', 'delivered'),
          counted('Confirmed', 'confirmed'),
        ]}
        {...ends}
        say={numberText}
      />
      <LineChart
        title="Refused, and ended otherwise"
        summary={`In the last ${spanWords[span]}: ${sum(...otherEndings)}, and refused ones by reason below.`}
        lines={[
          { label: 'Refused', values: valuesOf((counts) => sumOf(refusalsOf(counts))) },
          counted('Coalesced', 'superseded'),
          counted('Expired', 'expired'),
          counted('Failed', 'failed'),
        ]}
        {...ends}
        say={numberText}
      />
      <LineChart
        title="Time from accepting to confirm"
        summary={`Median ${timeText(percentile(total, 0.5))}, 99 % within ${timeText(percentile(total, 0.99))}.`}
        lines={[part('Median', 0.5), part('95 %', 0.95), part('99 %', 0.99)]}
        {...ends}
        say={timeText}
      />
    </>
  );
}

function appsCard(view: TrafficView): JSX.Element {
  return (
    <Card title="By app">
      <Table
        caption="Traffic of the project by app"
        columns={['App', ...numberColumns('Accepted', 'Delivered', 'Confirmed', 'Refused')]}
        rows={view.traffic.apps.map(({ app, counts }) => [
          app === '' ? 'not known' : appLink(view, app),
          ...rowOf(counts, ['accepted', 'delivered', 'confirmed']),
          numberText(sumOf(refusalsOf(counts))),
        ])}
      />
    </Card>
  );
}

const appLink = (view: TrafficView, app: string): JSX.Element => (
  <a href={linkTo(view, { app })}>{view.titles.get(app) ?? <Id of={app} />}</a>
);

function refusalsCard(total: Counts): JSX.Element | null {
  const refused = refusalsOf(total);
  if (refused.length === 0) return null;
  return (
    <Card title="Refused by reason" lead="What each code means and what to do about it is in docs/errors.md.">
      <Table
        caption="Refused messages by reason"
        columns={['Reason', ...numberColumns('Messages')]}
        rows={refused.map(([code, count]) => [<Badge kind="error">{code}</Badge>, numberText(count)])}
      />
    </Card>
  );
}

function numbers({ traffic: { steps } }: TrafficView): JSX.Element {
  const kinds = ['accepted', 'delivered', 'confirmed', ...otherEndings] as const;
  const busy = steps.filter(({ counts }) => counts.size > 0).toReversed();
  return (
    <Table
      caption="Traffic step by step, the newest first; steps without any are left out"
      columns={[
        'From',
        ...numberColumns(...kinds.map(nameOf), 'Refused', 'Median time', '95 % within', '99 % within'),
      ]}
      rows={busy.map(({ at, counts }) => [
        <Time at={at} />,
        ...rowOf(counts, kinds),
        numberText(sumOf(refusalsOf(counts))),
        ...[0.5, 0.95, 0.99].map((part) => timeText(percentile(counts, part))),
      ])}
    />
  );
}

function linkTo(
  { home, span, app, live }: TrafficView,
  change: { readonly span?: Span; readonly app?: string | undefined; readonly live?: boolean },
): string {
  const wanted = { span, app, live, ...change };
  const query = new URLSearchParams({ span: wanted.span });
  if (wanted.app !== undefined) query.set('app', wanted.app);
  if (!wanted.live) query.set('live', 'off');
  return `${home}?${query}`;
}

const nameOf = (kind: string): string =>
  kind === 'superseded' ? 'Coalesced' : `${kind[0]?.toUpperCase() ?? ''}${kind.slice(1)}`;
const numberColumns = (...labels: readonly string[]) =>
  labels.map((label) => ({ label, align: 'number' as const }));
const rowOf = (counts: Counts, kinds: readonly Parameters<typeof countOf>[1][]): readonly string[] =>
  kinds.map((kind) => numberText(countOf(counts, kind)));
const sumOf = (counted: readonly (readonly [string, number])[]): number =>
  counted.reduce((sum, [, count]) => sum + count, 0);
const numberText = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 1 });
const clockText = (at: number): string => `${new Date(at).toISOString().slice(11, 16)} UTC`;
const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10);

function timeText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms < 1_000) return `${numberText(ms)} ms`;
  if (ms < 120_000) return `${numberText(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${numberText(ms / 60_000)} min`;
  return `${numberText(ms / 3_600_000)} h`;
}
