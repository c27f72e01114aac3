import { fileURLToPath } from 'node:url';

/** The data folder when nobody names one: beside the program, so that it does not depend on where the shell stands. */
export const ownDataFolder = fileURLToPath(new URL('../../data', import.meta.url));
