import { createPushMessaging } from './create-push-messaging.ts';

Object.assign(globalThis, { createPushMessaging });
