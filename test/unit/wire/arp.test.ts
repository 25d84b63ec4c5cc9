import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  arpLength,
  arpOperation,
  arpSenderEthernet,
  arpSenderIpv4,
  arpTargetEthernet,
  arpTargetIpv4,
  checkArp,
  emitArp,
  formatArp,
  parseArp,
  setArpOperation,
  setArpSenderEthernet,
  setArpSenderIpv4,
  setArpTargetEthernet,
  setArpTargetIpv4,
} from '../../../src/wire/index.ts';
import { ARP_REPLY_FRAME, NETWORK, tail, viewOf } from './frames.ts';
import { anyEthernet, anyRecord, anyUint16, anyUint32, field, testHeader } from './header-tests.ts';

const reply = {
  operation: 2,
  senderEthernet: 0x4286e4371b43n,
  senderIpv4: 0x0a090002,
  targetEthernet: 0x46a39b29f0d5n,
  targetIpv4: 0x0a090001,
};

testHeader({
  name: 'ARP',
  packet: tail(ARP_REPLY_FRAME, NETWORK),
  headerLength: 28,
  header: reply,
  blank: { operation: 0, senderEthernet: 0n, senderIpv4: 0, targetEthernet: 0n, targetIpv4: 0 },
  fields: [
    field(arpOperation, reply.operation, setArpOperation),
    field(arpSenderEthernet, reply.senderEthernet, setArpSenderEthernet),
    field(arpSenderIpv4, reply.senderIpv4, setArpSenderIpv4),
    field(arpTargetEthernet, reply.targetEthernet, setArpTargetEthernet),
    field(arpTargetIpv4, reply.targetIpv4, setArpTargetIpv4),
  ],
  check: checkArp,
  parse: parseArp,
  length: arpLength,
  emit: emitArp,
  headers: anyRecord({
    operation: anyUint16,
    senderEthernet: anyEthernet,
    senderIpv4: anyUint32,
    targetEthernet: anyEthernet,
    targetIpv4: anyUint32,
  }),
});

it('takes other hardware, protocols and address lengths for no ARP', () => {
  const packet = tail(ARP_REPLY_FRAME, NETWORK);
  for (const wrong of ['0006 0800 0604', '0001 86dd 0604', '0001 0800 0804', '0001 0800 0610']) {
    assert.equal(checkArp(viewOf(wrong + packet.slice(12)), 0, 28), -1, wrong);
  }
});

it('is written as tcpdump writes it', () => {
  const request = { ...reply, operation: 1, targetEthernet: 0n };
  assert.equal(formatArp(reply), 'Reply 10.9.0.2 is-at 42:86:e4:37:1b:43');
  assert.equal(formatArp(request), 'Request who-has 10.9.0.1 tell 10.9.0.2');
  assert.equal(
    formatArp({ ...request, targetEthernet: 1n }),
    'Request who-has 10.9.0.1 (00:00:00:00:00:01) tell 10.9.0.2',
  );
  assert.equal(
    formatArp({ ...reply, operation: 3 }),
    'Reverse Request who-is 46:a3:9b:29:f0:d5 tell 42:86:e4:37:1b:43',
  );
  assert.equal(formatArp({ ...reply, operation: 4 }), 'Reverse Reply 46:a3:9b:29:f0:d5 at 10.9.0.1');
  assert.equal(formatArp({ ...reply, operation: 77 }), 'operation 77');
});
