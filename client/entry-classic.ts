import { install } from './push-messaging.ts';

// In a worker a classic script cannot see its own address: there the manifest names the service.
const script = typeof document === 'undefined' ? null : document.currentScript;
install(script instanceof HTMLScriptElement ? script.src : undefined);
