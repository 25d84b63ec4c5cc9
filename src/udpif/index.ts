/**
 * Upcalls and revalidation.
 */
export * from './deletion-reason.ts';
export * from './megaflow.ts';
export type { Continuation, PacketIn } from './packet-in.ts';
export * from './pipeline.ts';
export * from './udpif.ts';
