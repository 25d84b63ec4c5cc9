/**
 * The least that can be called a switch, over any ports: learns source addresses, forwards to the port where the
 * destination was learned, floods otherwise. For tests and benchmarks of ports.
 */
import { BATCH_SIZE, type Netdev } from '../../src/netdev/index.ts';
import { Packet } from '../../src/wire/index.ts';

/** Batches that one readable event handles before other ports have their turn. */
const BATCHES_PER_EVENT = 8;
/** Slots of the address table, a power of two. */
const TABLE_SLOTS = 1024;

/** Starts forwarding between the ports; the returned function stops it and closes them. */
export function startLearningForwarder(ports: readonly Netdev[]): () => void {
  const batch: Packet[] = new Array(BATCH_SIZE).fill(new Packet(new Uint8Array(0), 0, 0));
  const outputs: Packet[][] = ports.map(() => [...batch]);
  const outputCounts = new Int32Array(ports.length);
  /** two words of the address and the port, for each slot */
  const table = new Int32Array(TABLE_SLOTS * 3);

  function slotOf(high: number, low: number): number {
    const hash = Math.imul(high ^ Math.imul(low, 0x85ebca6b), 0xc2b2ae35);
    return ((hash >>> 16) & (TABLE_SLOTS - 1)) * 3;
  }

  function flush(): void {
    for (let out = 0; out < ports.length; out++) {
      if (outputCounts[out]! > 0) ports[out]!.send(outputs[out]!, outputCounts[out]!);
      outputCounts[out] = 0;
    }
  }

  function forward(input: number): void {
    for (let round = 0; round < BATCHES_PER_EVENT; round++) {
      const count = ports[input]!.receive(batch);
      for (let i = 0; i < count; i++) {
        const packet = batch[i]!;
        const { view, start } = packet;
        const sourceHigh = view.getUint16(start + 6);
        const sourceLow = view.getInt32(start + 8);
        const source = slotOf(sourceHigh, sourceLow);
        table[source] = sourceHigh;
        table[source + 1] = sourceLow;
        table[source + 2] = input;
        const high = view.getUint16(start);
        const low = view.getInt32(start + 2);
        const destination = slotOf(high, low);
        if (table[destination] === high && table[destination + 1] === low && (high !== 0 || low !== 0)) {
          const out = table[destination + 2]!;
          if (out !== input) outputs[out]![outputCounts[out]!++] = packet;
        } else {
          for (let out = 0; out < ports.length; out++) {
            if (out !== input) outputs[out]![outputCounts[out]!++] = packet;
          }
        }
      }
      if (count > 0) flush();
      if (count < BATCH_SIZE) return;
    }
  }

  ports.forEach((port, index) => {
    port.setReadableListener(() => forward(index));
  });
  return () => {
    for (const port of ports) port.close();
  };
}
