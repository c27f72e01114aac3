import { errorTable, type ReveilleError } from '../../protocol/errors.ts';
import { openCors } from './cors.ts';
import { factHeaders } from './google-answer.ts';

/** An error as RFC 9457 has it: `code` is stable (docs/errors.md), the sentences are for people. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** The field or header at fault. */
  readonly location?: string;
}

/** What `application/problem+json` says of an error. */
export function problemOf(error: ReveilleError): Problem {
  const { location } = error.facts;
  return {
    type: `urn:reveille:error:${error.code}`,
    title: errorTable[error.code].message,
    status: error.status,
    detail: error.sentence,
    code: error.code,
    ...(location !== undefined && { location }),
  };
}

/** The answer of the second API to what a door threw. */
export function problemAnswer(error: ReveilleError): Response {
  return new Response(JSON.stringify(problemOf(error)), {
    status: error.status,
    headers: {
      ...factHeaders(error),
      ...openCors,
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
    },
  });
}
