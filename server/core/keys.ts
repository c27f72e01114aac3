/** Internal keys: small integers, so that a million channels do not cost a million long strings. */
export type ChannelKey = number & { readonly __brand: 'ChannelKey' };
export type DeviceKey = number & { readonly __brand: 'DeviceKey' };
