export * from './checksum.ts';
export * from './crc32c.ts';
export * from './errors.ts';
export * from './ethernet.ts';
export * from './ethernet-address.ts';
export * from './ip-address.ts';
export * from './ip-protocol.ts';
export * from './packet.ts';
