/** Damaged messages to a bridge: each is carried out or answered with an error, and nothing is thrown. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  encodeHello,
  encodeMessage,
  HEADER_BYTES,
  type Message,
  type OpenFlowVersion,
  parseFlowMod,
  parseGroupMod,
} from '../../src/openflow/index.ts';
import { Switch } from '../../src/switch/index.ts';
import {
  type OpenFlowConnection,
  OpenFlowService,
  type OpenFlowStream,
  SwitchBridge,
} from '../../src/vswitchd/index.ts';
import { composeFrame } from '../../src/wire/index.ts';

const flow = (text: string, command: 'add' | 'modify' | 'delete'): Message => ({
  type: 'flow_mod',
  mod: parseFlowMod(text, command),
  bufferId: null,
});
const add = flow('table=0,priority=7,tcp,in_port=1,actions=dec_ttl,output:2', 'add');
const MESSAGES: readonly Message[] = [
  add,
  flow('ip,actions=controller', 'modify'),
  flow('ip', 'delete'),
  { type: 'group_mod', mod: parseGroupMod('group_id=1,type=select,bucket=output:1,bucket=output:2', 'add') },
  {
    type: 'meter_mod',
    mod: {
      command: 'add',
      meter: 1,
      unit: 'kbps',
      burst: false,
      stats: false,
      bands: [{ type: 'drop', rate: 9, burst: 0, precedenceLevel: 0 }],
    },
  },
  {
    type: 'packet_out',
    bufferId: null,
    match: parseFlowMod('in_port=1', 'delete').match,
    actions: [],
    packet: composeFrame({ ipv4: { source: '10.0.0.1', destination: '10.0.0.2' } }),
  },
  { type: 'port_mod', port: 1, hardwareAddress: 1n, config: 1, mask: 1, advertise: 0 },
  { type: 'table_mod', table: 255, miss: 'drop', eviction: null, evictionFlags: 0, vacancy: null },
  { type: 'role_request', role: 'primary', generationId: 3n },
  { type: 'features_request' },
  { type: 'desc_request' },
  { type: 'table_stats_request' },
  { type: 'port_stats_request', port: 1 },
  { type: 'queue_stats_request', port: 1, queue: 1 },
  { type: 'group_stats_request', group: 1 },
  { type: 'meter_stats_request', meter: 1 },
  { type: 'set_config', fragments: 'normal', invalidTtlToController: true, missSendLength: 100 },
  { type: 'bundle_control', bundleId: 1, control: 'open_request', flags: 3 },
  { type: 'bundle_control', bundleId: 1, control: 'commit_request', flags: 3 },
];

function encodings(version: OpenFlowVersion): Uint8Array[] {
  const options = { version, xid: 5 };
  const found: Uint8Array[] = [];
  for (const message of MESSAGES) {
    try {
      found.push(encodeMessage(message, options));
    } catch {
      // The version has no such message.
    }
  }
  if (version >= 4) {
    const message = encodeMessage(add, options);
    found.push(encodeMessage({ type: 'bundle_add', bundleId: 1, flags: 3, message }, options));
  }
  return found;
}
const ENCODINGS = ([1, 2, 3, 4, 5, 6] as const).map((version) => ({ version, messages: encodings(version) }));

it('survives damaged messages', () => {
  const owner = new Switch();
  owner.addPort('p1', { number: 1 });
  owner.addPort('p2', { number: 2 });
  const damage = fc.record({ message: fc.nat(), at: fc.nat(), value: fc.nat(255), count: fc.nat(3) });
  fc.assert(
    fc.property(fc.nat(5), fc.array(damage, { minLength: 1, maxLength: 20 }), (index, damages) => {
      const { version, messages } = ENCODINGS[index]!;
      const service = new OpenFlowService(new SwitchBridge(owner, 'br0', { datapathId: 1n }));
      let receive = (_: Uint8Array): void => {};
      let received = 0;
      const stream: OpenFlowStream = {
        name: 'test',
        pendingBytes: 0,
        start: ({ onData }) => {
          receive = onData;
        },
        write: (bytes) => {
          received += bytes.length;
        },
        close: () => {},
      };
      const connection: OpenFlowConnection = service.accept(stream, 'primary');
      receive(encodeHello(2 ** version, 1));
      for (const { message, at, value, count } of damages) {
        const bytes = messages[message % messages.length]!.slice();
        for (let each = 0; each < count; each++) {
          bytes[HEADER_BYTES + ((at + each * 7) % Math.max(1, bytes.length - HEADER_BYTES))] = value;
        }
        receive(bytes);
      }
      assert.equal(connection.version, version);
      assert.ok(connection.isOpen && received > 0);
    }),
    { seed: 1, numRuns: 1500 },
  );
});
