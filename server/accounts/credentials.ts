import { z } from 'zod';
import { ReveilleError } from '../../protocol/errors.ts';

/** Passwords: at least 10 characters, at most 128. */
export const passwordLength = { min: 10, max: 128 } as const;

/** @throws `input-invalid` at the field `password` */
export function assertPassword(password: string): void {
  if (password.length >= passwordLength.min && password.length <= passwordLength.max) return;
  const detail = `A password has ${passwordLength.min} to ${passwordLength.max} characters.`;
  throw new ReveilleError('input-invalid', detail, { location: 'password' });
}

/**
 * The address as it is kept: lower case, no space around it. The same check as better-auth makes at every sign-in, so
 * that nobody gets an account under an address that cannot sign in.
 * @throws `input-invalid` at the field `email`
 */
export function emailOf(text: string): string {
  const email = text.trim().toLowerCase();
  if (z.email().safeParse(email).success && email.length <= 254) return email;
  throw new ReveilleError('input-invalid', 'That is not an e-mail address.', { location: 'email' });
}
