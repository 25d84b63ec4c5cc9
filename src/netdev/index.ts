export { BATCH_SIZE, type Netdev, type NetdevStats } from './netdev.ts';
