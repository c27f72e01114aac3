export type ProjectRole = 'owner' | 'editor' | 'viewer';

/** What can be done in a project: the least role that may, and the words for who may not. */
const acts = {
  look: { least: 'viewer', words: 'look at the project' },
  leave: { least: 'viewer', words: 'leave the project' },
  rename: { least: 'editor', words: 'rename the project' },
  'switch-messaging': { least: 'editor', words: 'switch messaging' },
  'change-clients': { least: 'editor', words: 'make, change and remove clients' },
  'see-secrets': { least: 'editor', words: 'see the secrets of clients' },
  'send-tests': { least: 'editor', words: 'send test messages' },
  'change-webhooks': { least: 'editor', words: 'make, change and remove webhooks' },
  'change-team': { least: 'owner', words: 'change the team' },
  'remove-project': { least: 'owner', words: 'remove the project' },
} as const satisfies Record<string, { readonly least: ProjectRole; readonly words: string }>;

export type ProjectAct = keyof typeof acts;

/** Each role may do what the one before it may. */
const ranks = { viewer: 1, editor: 2, owner: 3 } as const satisfies Record<ProjectRole, number>;

/** The one answer to "may this role do that?": pages ask it for what they show, `Projects.assertMay` for what is done. */
export function may(role: ProjectRole, act: ProjectAct): boolean {
  return ranks[role] >= ranks[acts[act].least];
}

/** Says to a member what it takes to do this. */
export function needFor(act: ProjectAct): string {
  return `It takes the role "${acts[act].least}" in this project to ${acts[act].words}.`;
}

/** Owners first. */
export const byRank = (one: ProjectRole, other: ProjectRole): number => ranks[other] - ranks[one];
