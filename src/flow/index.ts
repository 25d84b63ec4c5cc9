export * from './field.ts';
export * from './key.ts';
export * from './match.ts';
