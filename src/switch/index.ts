export { type RunLoopTimers, runSwitch } from './run-loop.ts';
export * from './switch.ts';
