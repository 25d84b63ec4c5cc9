/**
 * OpenFlow of a bridge with the real client: `ovs-ofctl` in every version against a switch in memory, and bytes that no
 * client sends.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { encodeHello, encodeMessage } from '../../../src/openflow/index.ts';
import { composeFrame } from '../../../src/wire/index.ts';
import { OpenFlowSwitch } from '../../support/openflow-switch.ts';
import { RealSwitch, whyNoRealSwitch } from '../../support/real-switch.ts';

const VERSIONS = ['OpenFlow10', 'OpenFlow11', 'OpenFlow12', 'OpenFlow13', 'OpenFlow14', 'OpenFlow15'];
const OF13 = VERSIONS.slice(3);
const FLOWS = [
  ' priority=100,tcp,in_port=1,tp_dst=80 actions=dec_ttl,output:2',
  ' priority=90,arp actions=NORMAL',
  ' priority=0 actions=drop',
];
const FRAME = composeFrame({ ipv4: { source: '10.0.0.1', destination: '10.0.0.2' }, udp: { destinationPort: 7 } });
const FRAME_TEXT = Buffer.from(FRAME).toString('hex');

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Without the headline, in order of priority. */
async function dump(peer: OpenFlowSwitch, version: string, ...args: string[]): Promise<string[]> {
  return lines(await peer.ofctl(version, '--no-stats --no-names --rsort=priority dump-flows', ...args));
}

describe('ovs-ofctl and a bridge', { skip: whyNoRealSwitch() }, () => {
  const peer = new OpenFlowSwitch();
  before(() => peer.start());
  after(() => peer.stop());
  beforeEach(() => {
    peer.switch.deleteFlows();
    peer.switch.deleteGroups();
    peer.switch.deleteMeters();
    peer.switch.collect();
  });

  for (const version of VERSIONS) {
    it(`adds, changes and deletes flows: ${version}`, async () => {
      await peer.ofctl(
        version,
        'add-flows',
        peer.file('flows', FLOWS.map((flow) => flow.replace(' actions', ',actions')).join('\n')),
      );
      assert.deepEqual(await dump(peer, version), FLOWS);
      await peer.ofctl(version, 'add-flow', 'cookie=7,priority=95,udp,actions=output:2');
      assert.equal((await dump(peer, version)).length, 4);
      await peer.ofctl(version, 'mod-flows', 'udp,actions=output:1');
      // OpenFlow 1.0 has no way to leave the cookie as it is.
      const cookie = version === 'OpenFlow10' ? '' : ' cookie=0x7,';
      assert.deepEqual(await dump(peer, version, 'udp'), [`${cookie} priority=95,udp actions=output:1`]);
      await peer.ofctl(version, '--strict del-flows', 'priority=94,udp');
      assert.equal((await dump(peer, version)).length, 4);
      await peer.ofctl(version, '--strict del-flows', 'priority=95,udp');
      assert.equal((await dump(peer, version)).length, 3);
      await peer.ofctl(version, 'del-flows', 'ip');
      assert.equal((await dump(peer, version)).length, 2);
      assert.match(await peer.ofctl(version, 'dump-aggregate'), /packet_count=0 byte_count=0 flow_count=2/);
      await peer.ofctl(version, 'del-flows');
      assert.deepEqual(await dump(peer, version), []);
    });

    it(`shows ports and tables: ${version}`, async () => {
      const shown = await peer.ofctl(version, 'show');
      assert.match(shown, /dpid:0000000000000123\nn_tables:254, n_buffers:0\n/);
      assert.match(shown, / 1\(p1\): addr:[0-9a-f:]{17}\n {5}config: {5}0\n/);
      assert.match(shown, / LOCAL\(br0\): /);
      assert.match(await peer.ofctl(version, 'dump-ports-desc'), / 2\(p2\): addr:/);
      peer.switch.addFlow('in_port=1,actions=2');
      peer.switch.inject('p1', FRAME);
      assert.match(await peer.ofctl(version, 'dump-ports', 'p2'), /port {2}2: rx pkts=0, .*\n +tx pkts=[1-9]/);
      assert.match(await peer.ofctl(version, 'dump-tables'), /table 0:\n {4}active=1, lookup=[1-9]\d*, matched=[1-9]/);
      await peer.ofctl(version, 'mod-port', 'p1', 'down');
      assert.match(await peer.ofctl(version, 'show'), / 1\(p1\): .*\n.*PORT_DOWN\n.*LINK_DOWN\n/);
      await peer.ofctl(version, 'mod-port', 'p1', 'up');
      assert.doesNotMatch(await peer.ofctl(version, 'show'), /PORT_DOWN|LINK_DOWN/);
    });

    it(`sends packets out and in: ${version}`, async () => {
      await peer.ofctl(version, 'packet-out', `in_port=controller packet=${FRAME_TEXT} actions=output:2`);
      assert.deepEqual(peer.switch.collect(), [{ port: 'p2', frame: FRAME }]);
      const printed = await peer.monitor(version);
      await peer.ofctl(version, 'add-flow', 'in_port=1,actions=controller');
      peer.switch.inject('p1', FRAME);
      const text = await printed('udp,');
      assert.match(text, /PACKET_IN.*in_port=1 \(via action\) data_len=\d+ \(unbuffered\)/);
      await peer.ofctl(version, 'add-flow', 'send_flow_rem,udp,actions=drop');
      await peer.ofctl(version, 'del-flows', 'udp');
      assert.match(await printed('FLOW_REMOVED'), /FLOW_REMOVED.* udp reason=delete/);
      await peer.ofctl(version, 'mod-port', 'p1', 'no-forward');
      assert.match(await printed('PORT_STATUS'), /PORT_STATUS.*MOD: 1\(p1\)/);
      await peer.ofctl(version, 'mod-port', 'p1', 'forward');
    });

    it(`says why it refuses a flow: ${version}`, async () => {
      const { stderr } = await peer.run(version, 'add-flow', 'actions=group:5');
      if (version !== 'OpenFlow10') {
        assert.match(stderr, /OFPBAC_BAD_OUT_GROUP\n.*FLOW_MOD/);
      }
      peer.switch.addFlow('priority=5,tcp,actions=drop');
      const overlap = await peer.run(version, 'add-flow', 'check_overlap,priority=5,ip,actions=drop');
      assert.match(overlap.stderr, /OFPT_ERROR .*OFPFMFC_OVERLAP\n.*FLOW_MOD.*ADD/);
    });
  }

  for (const version of VERSIONS.slice(1)) {
    it(`groups: ${version}`, async () => {
      await peer.ofctl(
        version,
        'add-group',
        'group_id=1,type=select,bucket=weight:3,output:1,bucket=weight:4,output:2',
      );
      assert.match(
        await peer.ofctl(version, 'dump-groups'),
        /group_id=1,type=select,bucket=.*weight:3,.*actions=output:1/,
      );
      await peer.ofctl(version, 'add-flow', 'actions=group:1');
      assert.match(await peer.ofctl(version, 'dump-group-stats'), /group_id=1,.*ref_count=1,.*bucket1:packet_count=0/);
      await peer.ofctl(version, 'mod-group', 'group_id=1,type=all,bucket=output:2');
      assert.match(await peer.ofctl(version, 'dump-groups'), /group_id=1,type=all,/);
      assert.match((await peer.run(version, 'add-group', 'group_id=1,type=all')).stderr, /OFPGMFC_GROUP_EXISTS/);
      await peer.ofctl(version, 'del-groups');
      assert.equal(lines(await peer.ofctl(version, 'dump-groups')).length, 1);
      assert.deepEqual(await dump(peer, version), []);
    });
  }

  for (const version of OF13) {
    it(`meters: ${version}`, async () => {
      await peer.ofctl(version, 'add-meter', 'meter=5,kbps,burst,stats,band=type=drop,rate=100,burst_size=10');
      assert.match(
        await peer.ofctl(version, 'dump-meters'),
        /meter=5 kbps burst stats bands=\ntype=drop rate=100 burst_size=10/,
      );
      assert.match(await peer.ofctl(version, 'meter-stats'), /meter:5 flow_count:0 packet_in_count:0/);
      assert.match((await peer.run(version, 'dump-meter', 'meter=6')).stdout, /OFPMMFC_UNKNOWN_METER/);
      await peer.ofctl(version, 'del-meters');
      assert.equal(lines(await peer.ofctl(version, 'dump-meters')).length, 1);
    });

    it(`bundles: ${version}`, async () => {
      const good = peer.file('good', 'priority=1,tcp,actions=1\npriority=2,udp,actions=2\n');
      await peer.ofctl(version, '--bundle add-flows', good);
      assert.equal((await dump(peer, version)).length, 2);
      const bad = peer.file(
        'bad',
        'add priority=3,actions=1\ndelete udp\nadd priority=4,actions=group:9\nadd priority=5,actions=drop\n',
      );
      const { stderr } = await peer.run(version, '--bundle add-flows', bad);
      assert.match(stderr, /OFPBAC_BAD_OUT_GROUP/);
      assert.match(stderr, /OFPBFC_MSG_FAILED/);
      assert.deepEqual(await dump(peer, version), [
        ' priority=2,udp actions=output:2',
        ' priority=1,tcp actions=output:1',
      ]);
      const mixed = peer.file(
        'mixed',
        'group group_id=1,type=all,bucket=output:1\nflow add priority=9,actions=group:1\nflow delete udp\nflow add actions=group:7\n',
      );
      assert.match((await peer.run(version, 'bundle', mixed)).stderr, /OFPBFC_MSG_FAILED/);
      assert.deepEqual(await dump(peer, version), [
        ' priority=2,udp actions=output:2',
        ' priority=1,tcp actions=output:1',
      ]);
      assert.equal(peer.switch.dumpGroups().length, 0);
    });
  }

  it('sends long answers in several messages', async () => {
    const count = 5000;
    const flows = Array.from(
      { length: count },
      (_, index) => `table=1,priority=${index},ip,nw_dst=10.${index >> 8}.${index & 255}.1,actions=2`,
    );
    await peer.ofctl('OpenFlow14', '--bundle add-flows', peer.file('many', flows.join('\n')));
    for (const version of VERSIONS) {
      assert.equal((await dump(peer, version)).length, count);
    }
  });
});

describe('beside ovs-vswitchd', { skip: whyNoRealSwitch() }, () => {
  const peer = new OpenFlowSwitch();
  let real: RealSwitch;
  before(async () => {
    real = new RealSwitch();
    const protocols = VERSIONS.join(',');
    real.vsctl(
      ...['add-br', 'br0', '--', 'set', 'bridge', 'br0', 'fail-mode=secure', `protocols=${protocols}`],
      ...['other-config:datapath-id=0000000000000123', '--', 'add-port', 'br0', 'p1', '--', 'add-port', 'br0', 'p2'],
      ...['--', 'set', 'interface', 'p1', 'ofport_request=1', '--', 'set', 'interface', 'p2', 'ofport_request=2'],
    );
    await peer.start();
  });
  after(() => {
    peer.stop();
    real.stop();
  });
  const commands = ['show', 'dump-tables', 'dump-desc', 'dump-aggregate', 'dump-ports-desc', 'get-frags'];
  const later = ['dump-group-features', 'meter-features', 'dump-table-features', 'dump-meters', 'dump-groups'];
  for (const version of VERSIONS) {
    for (const command of [...commands, ...(OF13.includes(version) ? later : [])]) {
      it(`${command} prints the same: ${version}`, async () => {
        const method = `unix:${real.path('br0.mgmt')}`;
        const expected = real.run('ovs-ofctl', '-O', version, command, method);
        assert.equal(withoutAddresses(await peer.ofctl(version, command)), withoutAddresses(expected));
      });
    }
  }
});

function withoutAddresses(text: string): string {
  return text.replace(/addr:[0-9a-f:]{17}/g, 'addr:');
}

describe('bytes that no client sends', () => {
  const peer = new OpenFlowSwitch();
  before(() => peer.start());
  after(() => peer.stop());

  /** Sends chunks one by one; resolves with all that came when the switch closed, or said `count` bytes. */
  function exchange(chunks: readonly Uint8Array[], count: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = connect(peer.method.slice('unix:'.length));
      const received: Buffer[] = [];
      const timer = setTimeout(() => reject(new Error(`only ${Buffer.concat(received).toString('hex')}`)), 10_000);
      const done = (): void => {
        clearTimeout(timer);
        socket.destroy();
        resolve(Buffer.concat(received));
      };
      socket.on('data', (data) => {
        received.push(data);
        if (Buffer.concat(received).length >= count) {
          done();
        }
      });
      socket.on('close', done);
      socket.on('error', () => {});
      const next = (index: number): void => {
        if (index < chunks.length) {
          socket.write(chunks[index]!, () => setImmediate(next, index + 1));
        }
      };
      next(0);
    });
  }
  const hello = encodeHello(1 << 4, 1);
  const echo = encodeMessage({ type: 'echo_request', data: Uint8Array.of(1, 2, 3) }, { version: 4, xid: 9 });

  it('waits for the rest of a message', async () => {
    const bytes = Uint8Array.of(...hello, ...echo);
    const answer = await exchange(
      [...bytes].map((byte) => Uint8Array.of(byte)),
      8 + 11,
    );
    assert.equal(answer.subarray(8).toString('hex'), '0403000b00000009010203');
  });

  it('closes when the first message is no hello, or a length is impossible', async () => {
    assert.equal((await exchange([echo], 1000)).length, 8);
    assert.equal((await exchange([hello, Uint8Array.of(4, 5, 0, 4, 0, 0, 0, 1)], 1000)).length, 8);
  });

  it('says which versions it speaks when there is none in common', async () => {
    const answer = await exchange([encodeHello(1 << 7, 1)], 1000);
    assert.match(
      answer.toString('latin1'),
      /We support version 0x06 and earlier, you support version 0x07, no common versions\.$/,
    );
  });

  it('refuses unknown messages with all their bytes, and goes on', async () => {
    const unknown = Uint8Array.of(4, 99, 0, 12, 0, 0, 0, 7, 1, 2, 3, 4);
    const answer = await exchange([hello, unknown, echo], 8 + 24 + 11);
    assert.equal(
      answer.subarray(8, 32).toString('hex'),
      `0401001800000007${'00010001'}${Buffer.from(unknown).toString('hex')}`,
    );
  });
});
