export type { PacketIn } from '../udpif/index.ts';
export type * from './records.ts';
export { type RunLoopTimers, runSwitch } from './run-loop.ts';
export * from './switch.ts';
export * from './switch-error.ts';
export { SwitchPort } from './switch-port.ts';
