import type { OAuthErrorCode } from './answers.ts';

/** A token request that cannot be granted: the code of the protocol, and for the header `Reveille-Hint` why. */
export class TokenRefusal extends Error {
  readonly code: OAuthErrorCode;

  constructor(code: OAuthErrorCode, hint: string) {
    super(hint);
    this.name = 'TokenRefusal';
    this.code = code;
  }
}
