import { installNotifications } from './notifications.ts';

installNotifications(globalThis as unknown as Parameters<typeof installNotifications>[0]);
