import { hash } from 'node:crypto';
import type { Secrets } from '../config/secrets.ts';
import type { Random } from '../core/clock.ts';

/** Shapes of the time (reference 3.2): programs in the field tell tokens apart by their beginnings. */
const REFRESH = /^1\/[A-Za-z0-9_-]{43}$/;
const ACCESS = /^ya29\.[A-Za-z0-9_-]{43}$/;

const random43 = (random: Random): string => Buffer.from(random(32)).toString('base64url');

/** `1/` and 256 random bits. */
export const makeRefreshToken = (random: Random): string => `1/${random43(random)}`;

/** `4/` and 256 random bits. */
export const makeCode = (random: Random): string => `4/${random43(random)}`;

/**
 * The access token of one issue under one grant. It is made again from the server's key whenever it is handed out again,
 * so that no token is ever stored.
 */
export const accessTokenOf = (secrets: Pick<Secrets, 'mac'>, grant: string, issue: number): string =>
  `ya29.${Buffer.from(secrets.mac('access-token', JSON.stringify([grant, issue]))).toString('base64url')}`;

/** A random issue number below 2^48: one that was ended can never come back, as it could if they were counted. */
export const makeIssue = (random: Random): number => Buffer.from(random(6)).readUIntBE(0, 6);

/** The id of a grant or project row that nobody can guess. */
export const makeId = (random: Random): string => Buffer.from(random(16)).toString('base64url');

export const isRefreshToken = (text: string): boolean => REFRESH.test(text);
export const isAccessToken = (text: string): boolean => ACCESS.test(text);

/** What the database holds of a code or token: SHA-256, base64url. All of them have 256 random bits, so no salt is needed. */
export const hashOf = (secret: string): string => hash('sha256', secret, 'base64url');
