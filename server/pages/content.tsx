import type { Child, FC, PropsWithChildren } from 'hono/jsx';

type Kind = 'error' | 'success' | 'info' | 'warning';

/** Says what happened. An error is read out at once by a screen reader, the rest when there is a pause. */
export const Notice: FC<PropsWithChildren<{ kind: Kind }>> = ({ kind, children }) => (
  <div class={`notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
    {children}
  </div>
);

/** A state in one word. The word says it; the colour only helps. */
export const Badge: FC<PropsWithChildren<{ kind?: Kind | undefined }>> = ({ kind, children }) => (
  <span class={kind ? `badge ${kind}` : 'badge'}>{children}</span>
);

interface CardProps {
  readonly title?: string | undefined;
  readonly lead?: Child;
  /** For what cannot be undone. */
  readonly danger?: boolean | undefined;
  /** Anchor, so that a link can lead here. */
  readonly id?: string | undefined;
}

/** One subject of a page in a frame. */
export const Card: FC<PropsWithChildren<CardProps>> = ({ title, lead, danger, id, children }) => (
  <section class={danger ? 'card danger' : 'card'} id={id}>
    {title && (
      <header>
        <h2>{title}</h2>
        {lead && <p>{lead}</p>}
      </header>
    )}
    {children}
  </section>
);

/** What a list says while it is empty: what will be here, why one wants it, and the step that begins it. */
export const EmptyState: FC<PropsWithChildren<{ title: string; action?: Child }>> = ({
  title,
  action,
  children,
}) => (
  <div class="empty">
    <h2>{title}</h2>
    <p>{children}</p>
    {action}
  </div>
);

interface Column {
  readonly label: string;
  /** `number` sets figures under each other at the right; `end` is for buttons. */
  readonly align?: 'number' | 'end' | undefined;
  /** The label is read out but not shown: a column of buttons. */
  readonly unseen?: boolean | undefined;
}

interface TableProps {
  /** What the table lists, for screen readers. */
  readonly caption: string;
  readonly columns: readonly (string | Column)[];
  /** One array of cells per row, as many as there are columns. The first cell heads the card on a phone. */
  readonly rows: readonly (readonly Child[])[];
}

/** A table that becomes a list of cards on a phone, each cell under the name of its column. */
export const Table: FC<TableProps> = ({ caption, columns, rows }) => {
  const heads = columns.map((column): Column => (typeof column === 'string' ? { label: column } : column));
  return (
    <div class="table-frame">
      <table class="table">
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {heads.map(({ label, align, unseen }) => (
              <th scope="col" class={align}>
                {unseen ? <span class="unseen">{label}</span> : label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr>
              {cells.map((cell, index) => (
                <td
                  data-label={heads[index]?.unseen ? undefined : heads[index]?.label}
                  class={index === 0 ? 'lead-cell' : heads[index]?.align}
                >
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

/** Names and values: ids, addresses, dates. */
export const Facts: FC<{ of: readonly (readonly [string, Child])[] }> = ({ of }) => (
  <dl class="facts">
    {of.map(([name, value]) => (
      <>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </>
    ))}
  </dl>
);

/** Text to copy, as it is. */
export const Code: FC<{ text: string }> = ({ text }) => (
  <pre class="code">
    <code>{text}</code>
  </pre>
);

/** A moment, in the words of UTC, to the second where wanted; machines read the exact one. */
export const Time: FC<{ at: number | Date; seconds?: boolean }> = ({ at, seconds }) => {
  const moment = new Date(at);
  return (
    <time datetime={moment.toISOString()}>
      {moment.toLocaleString('en-GB', {
        dateStyle: 'medium',
        timeStyle: seconds ? 'medium' : 'short',
        timeZone: 'UTC',
      })}{' '}
      UTC
    </time>
  );
};
