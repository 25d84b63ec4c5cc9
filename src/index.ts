/**
 * megaflow: Open vSwitch in TypeScript. The embedding API; the layers below are under `megaflow/wire`, `megaflow/flow` and
 * so on.
 */
export * from './switch/index.ts';
