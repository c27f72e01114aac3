/**
 * What we add to better-auth's `user` table. `input: false`: no request can set them, whatever it sends.
 */
export const userFields = {
  role: { type: 'string', required: true, defaultValue: 'user', input: false },
  disabled: { type: 'boolean', required: true, defaultValue: false, input: false },
} as const;
