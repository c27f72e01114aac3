import { install } from './push-messaging.ts';

// In a worker a classic script cannot see its own address: there the manifest names the service.
const script = typeof document === 'undefined' ? null : (document.currentScript as HTMLScriptElement | null);
install(script?.src);
