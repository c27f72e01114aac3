/**
 * Every bound of the OAuth room: the unit is in the name, the reason beside the number.
 */
export const bounds = {
  /** Reference 3.2: real answers say 3600. */
  accessTokenSeconds: 3_600,
  /** A token with less than this left is not handed out again: the sender must have time to use it. */
  repeatMarginMs: 300_000,
  /** RFC 6749 section 4.1.2 allows ten minutes at most; a redirect that is followed at once needs seconds. */
  codeMs: 60_000,
  /** How long a used code is remembered, so that its second use is noticed (RFC 6749 section 4.1.2). */
  usedCodeMs: 86_400_000,
  /** Reference 3.2. Google let the oldest die without a word; here the 26th consent is refused. */
  refreshTokensPerAccountAndClient: 25,

  /**
   * Answers that repeat a token still fresh: one a second for ever, and twice a minute's worth at once, because Google's
   * own Python client refreshes on every 403 and a burst of refused messages must not lock its sender out.
   */
  repeatsPerMinute: 60,
  repeatsAtOnce: 120,
  /** Tokens really issued for one refresh token: one an hour is the need, the rest is for rights that ended and came back. */
  issuesPerHour: 10,
  /** Calls of the token, revoke and tokeninfo endpoints from one address: many senders may share one behind NAT. */
  callsPerAddressAndMinute: 600,

  /** A token request in a body: a code, a secret and a redirect need a tenth of it. */
  bodyBytes: 16 * 1_024,
  /** A name of a project or client. */
  nameCharacters: 80,
  redirectUrisPerClient: 20,
  redirectUriCharacters: 2_000,
  /** The whole query of an authorization request: it is carried through the sign-in page. */
  requestCharacters: 8_000,
  clientsPerProject: 50,
  projectsPerAccount: 50,
  /** People who look after one project, and invitations that wait for an answer at a time. */
  membersPerProject: 100,
  invitationsPerProject: 50,
  invitationMs: 14 * 86_400_000,
  /** RFC 5321 section 4.5.3.1: a path has at most 256 characters, its angle brackets included. */
  addressCharacters: 254,
  /** A payload limit that an administrator may set for a project: a frame of our WebSocket must hold it. */
  payloadBytesMax: 1_024,

  /** Tokens that `Senders` answers from memory, and apps remembered for each; an entry is a few hundred bytes. */
  rememberedTokens: 50_000,
  rememberedAppsPerToken: 200,
} as const;

if (bounds.repeatMarginMs >= bounds.accessTokenSeconds * 1_000) {
  throw new Error('bounds: a token must be worth repeating for a part of its life');
}
