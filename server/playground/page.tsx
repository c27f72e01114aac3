import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FC, PropsWithChildren } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { Badge, Card, Code, Notice } from '../pages/content.tsx';
import { Button, Form } from '../pages/form.tsx';
import { Page, PageHead } from '../pages/page.tsx';
import { PLAYGROUND, shareLink } from './share.ts';
import type { Shown } from './shown.ts';
import { Configure, RequestStep, ScopeStep, TokenStep } from './steps.tsx';

export const lookText = readFileSync(new URL('./playground.css', import.meta.url), 'utf8');
const fingerprint = createHash('sha256').update(lookText).digest('base64url').slice(0, 12);
export const lookPath = `${PLAYGROUND}/look.css`;

/** The whole playground: the gear, three steps, and what went over the wire. */
export function playgroundPage(shown: Shown): JSX.Element {
  const { origin, play, viewer, linked, token } = shown;
  return (
    <Page
      title="OAuth 2.0 Playground"
      account={viewer}
      at={PLAYGROUND}
      wide
      head={<link rel="stylesheet" href={`${lookPath}?${fingerprint}`} />}
    >
      <PageHead
        title="OAuth 2.0 Playground"
        lead="From a client ID and its secret to a refresh token, and on to a sent message, with every request and answer in the open."
      />
      <div class="playground">
        <div class="stack-wide">
          {linked && (
            <Notice kind="warning">
              A link filled in the scopes and the request on this page. Look at them before you send anything.
            </Notice>
          )}
          <Configure {...shown} />
          <ScopeStep {...shown} />
          <TokenStep {...shown} />
          <RequestStep {...shown} />
        </div>
        <div class="stack-wide wire">
          <Wire {...shown} />
          <Card title="Link to this playground">
            <p class="soft">
              Fills in the scopes and the request for whoever opens it. Secrets, codes and tokens are left
              out.
            </p>
            <Code text={shareLink(origin, play)} />
          </Card>
          <Card title="Begin again">
            <p class="soft">
              What you enter here stays in the memory of this server, for this browser and its sign-in alone:
              until you sign out, or have not been here for an hour.
            </p>
            <Form action={`${PLAYGROUND}/forget`} token={token}>
              <div>
                <Button kind="quiet">Forget everything here</Button>
              </div>
            </Form>
          </Card>
        </div>
      </div>
    </Page>
  );
}

const Wire: FC<Shown> = ({ play }) => (
  <Card title="Request / Response" id="wire">
    {play.exchanges.length === 0 && (
      <p class="soft">
        What the steps send, and what comes back, is written here in full: the same bytes that a program of
        yours would exchange.
      </p>
    )}
    {play.exchanges.map((exchange, index) => (
      <Disclosed
        open={index === 0}
        label={
          <>
            {exchange.title}{' '}
            <Badge kind={exchange.status < 400 ? 'success' : 'error'}>{String(exchange.status)}</Badge>
          </>
        }
      >
        <Code text={exchange.request} />
        <Code text={exchange.response} />
      </Disclosed>
    ))}
  </Card>
);

const Disclosed: FC<PropsWithChildren<{ open: boolean; label: JSX.Element }>> = ({
  open,
  label,
  children,
}) => (
  <details class="exchange" open={open}>
    <summary>{label}</summary>
    <div class="stack">{children}</div>
  </details>
);
