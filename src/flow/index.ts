export * from './field.ts';
export * from './fields.ts';
export * from './key.ts';
export * from './match.ts';
