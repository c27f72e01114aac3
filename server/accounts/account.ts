/** One person who may sign in, as every room sees them. */
export interface Account {
  readonly id: string;
  /** Lower case. */
  readonly email: string;
  readonly name: string;
  readonly role: 'administrator' | 'user';
}

/** An account in the administrator's list. */
export interface Person extends Account {
  readonly disabled: boolean;
  readonly createdAt: Date;
}

/** One browser (or command line) in which an account is signed in. */
export interface SignIn {
  readonly id: string;
  readonly createdAt: Date;
  /** Renewed by a visit, at most once a day. */
  readonly lastSeenAt: Date;
  readonly address: string;
  readonly userAgent: string;
}

/** Where a request comes from, as far as limits and the list of sign-ins care. */
export interface From {
  readonly address: string;
  readonly userAgent: string;
}

/** Who sent a request that carries the sign-in cookie. */
export interface Visit {
  readonly account: Account;
  /** Id of the sign-in. */
  readonly signIn: string;
  /** Values of Set-Cookie that the answer must carry; they renew the sign-in. Usually none. */
  readonly setCookies: readonly string[];
}
