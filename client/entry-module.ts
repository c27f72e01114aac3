import { install } from './push-messaging.ts';

install(import.meta.url);
