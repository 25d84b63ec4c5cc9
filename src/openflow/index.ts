export type * from './actions.ts';
export * from './messages.ts';
export * from './ports.ts';
