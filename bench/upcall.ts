/**
 * Upcalls per second on one core: packets that all miss, translated through three tables, installed and executed.
 *
 *   node --import ./test/support/typescript.mjs bench/upcall.ts [--json] [--rounds N]
 *
 * Table 0 is an access list, table 1 chooses by Ethernet destination, table 2 routes by prefix. Each packet is of a megaflow
 * of its own (a host times a network). Time is CPU time of this process; the cache is emptied between rounds, which is not
 * counted, and the first rounds are for the compiler.
 */
import { parseArgs } from 'node:util';
import { MemoryNetdev } from '../src/netdev/index.ts';
import { Switch } from '../src/switch/index.ts';
import { composePacket, type Packet } from '../src/wire/index.ts';

const HOSTS = 256;
const NETWORKS = 64;
const FLOWS = HOSTS * NETWORKS;
const PORTS = 4;
const BATCH = 64;
const WARM_UP_ROUNDS = 4;

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '9' } },
});

function hostAddress(host: number): string {
  return `02:00:00:00:01:${host.toString(16).padStart(2, '0')}`;
}

function createSwitch(): Switch {
  const sw = new Switch({ maxMegaflows: 2 * FLOWS });
  sw.udpif.setFlowLimit(2 * FLOWS);
  for (let port = 1; port <= PORTS; port++) {
    sw.addPort(`p${port}`, { number: port, netdev: new MemoryNetdev(`p${port}`, { onSend: () => {} }) });
  }
  const flows = ['table=0,priority=0,actions=goto_table:1', 'table=1,priority=0,actions=drop'];
  for (let rule = 0; rule < 50; rule++) {
    flows.push(`table=0,priority=100,tcp,nw_src=192.168.${rule}.0/24,tcp_dst=${1000 + rule},actions=drop`);
  }
  for (let host = 0; host < HOSTS; host++) {
    const port = 1 + (host % PORTS);
    flows.push(`table=1,priority=10,dl_dst=${hostAddress(host)},actions=load:${port}->NXM_NX_REG0[],goto_table:2`);
  }
  for (let network = 0; network < NETWORKS; network++) {
    flows.push(`table=2,priority=10,ip,nw_dst=10.${network}.0.0/16,actions=dec_ttl,output:NXM_NX_REG0[]`);
  }
  sw.addFlows(flows.join('\n'));
  return sw;
}

function createPackets(): Packet[] {
  return Array.from({ length: FLOWS }, (_, index) => {
    // Neighbours differ in host and network, as the flows of a real port do.
    const flow = (index * 7919) % FLOWS;
    return composePacket({
      ethernet: { source: '02:00:00:00:00:01', destination: hostAddress(flow % HOSTS) },
      ipv4: { source: '172.16.0.1', destination: `10.${Math.floor(flow / HOSTS)}.1.1`, ttl: 64 },
      udp: { sourcePort: 1000, destinationPort: 2000 },
      payload: new Uint8Array(18),
    });
  });
}

/** Microseconds of CPU time per upcall of one round over all flows. */
function round(sw: Switch, packets: readonly Packet[]): number {
  const { datapath } = sw.dpif;
  const batch: Packet[] = [];
  const port = sw.dpif.ports()[0]!.number;
  const start = process.cpuUsage();
  for (let first = 0; first < packets.length; first += BATCH) {
    for (let index = 0; index < BATCH; index++) {
      batch[index] = packets[first + index]!;
    }
    datapath.processBatch(port, batch, BATCH, 1);
  }
  const used = process.cpuUsage(start);
  return (used.user + used.system) / packets.length;
}

const sw = createSwitch();
const packets = createPackets();
const samples: number[] = [];
for (let index = 0; index < WARM_UP_ROUNDS + Number(values.rounds); index++) {
  const before = sw.counters().udpif.installed;
  const microseconds = round(sw, packets);
  const installed = sw.counters().udpif.installed - before;
  if (installed !== FLOWS) {
    throw new Error(`installed ${installed} megaflows: expected ${FLOWS}`);
  }
  sw.udpif.purge();
  sw.dpif.maintain(1);
  if (index >= WARM_UP_ROUNDS) {
    samples.push(microseconds);
  }
}
samples.sort((a, b) => a - b);
const median = samples[samples.length >> 1]!;
const result = {
  benchmark: 'upcall',
  microsecondsPerUpcall: Number(median.toFixed(2)),
  upcallsPerSecond: Math.round(1e6 / median),
  fastest: Number(samples[0]!.toFixed(2)),
  slowest: Number(samples.at(-1)!.toFixed(2)),
};
console.log(
  values.json
    ? JSON.stringify(result)
    : `${result.microsecondsPerUpcall} µs per upcall (${result.fastest}..${result.slowest}): ${result.upcallsPerSecond} upcalls/s`,
);
