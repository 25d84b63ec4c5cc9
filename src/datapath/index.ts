export * from './action-code.ts';
export * from './actions.ts';
export * from './errors.ts';
export * from './key-attributes.ts';
