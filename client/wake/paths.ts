/** A request for it is what wakes extensions: they watch for it. */
export const upPath = '/wake/up';
/** A request with a form of these fields tells extensions how the service's worker is pushed to. */
export const toldPath = '/wake/subscribed';
/** The page that asks the user, as an extension opens it: the query says that it may be closed again. */
export const askPath = '/wake/?asked';

export const toldFields = ['endpoint', 'p256dh', 'auth'] as const;
export type Told = Readonly<Record<(typeof toldFields)[number], string>>;
