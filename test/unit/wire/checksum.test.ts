import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  computeChecksum,
  computeCrc32c,
  crc32cBytes,
  finishChecksum,
  ipv4PseudoHeaderSum,
  ipv6PseudoHeaderSum,
  sumBytes,
  updateChecksum16,
  updateChecksum32,
  updateChecksum128,
} from '../../../src/wire/index.ts';
import {
  bytesOf,
  exactView,
  IGMP3_REPORT_FRAME,
  NEIGHBOR_ADVERTISEMENT_FRAME,
  PING_RECORD_ROUTE_FRAME,
  PORT_UNREACHABLE_FRAME,
  TCP_PUSH_FRAME,
  TCP_SYN_FRAME,
  UDP_FRAME,
  viewOf,
} from './frames.ts';
import { anyUint16, anyUint32 } from './header-tests.ts';

/** RFC 1071 word by word. */
function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += bytes[index]! * 256 + (bytes[index + 1] ?? 0);
    if (sum > 0xffff) {
      sum -= 0xffff;
    }
  }
  return 0xffff - sum;
}

function naiveCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
    }
  }
  return ~crc >>> 0;
}

describe('the Internet checksum', () => {
  it('is that of RFC 1071, section 3', () => {
    const view = viewOf('0001f203f4f5f6f7');
    assert.equal(finishChecksum(sumBytes(view, 0, 8)), 0xffff - 0xddf2);
  });

  it('folds a carry that folding makes', () => {
    assert.equal(finishChecksum(0x1ffff), 0xfffe);
    assert.equal(finishChecksum(0x7fffffff), 0x7fff ^ 0xffff);
    assert.equal(finishChecksum(0xffff), 0);
    assert.equal(finishChecksum(0), 0xffff);
  });

  it('is 0 over real headers and packets', () => {
    const ping = viewOf(PING_RECORD_ROUTE_FRAME);
    assert.equal(computeChecksum(ping, 14, 60), 0, 'IPv4 header with options');
    assert.equal(computeChecksum(ping, 74, 64), 0, 'ICMP');
    assert.equal(computeChecksum(viewOf(IGMP3_REPORT_FRAME), 38, 16), 0, 'IGMP');
    assert.equal(computeChecksum(viewOf(PORT_UNREACHABLE_FRAME), 34, 41), 0, 'ICMP of odd length');
    const syn = viewOf(TCP_SYN_FRAME);
    assert.equal(computeChecksum(syn, 34, 40, ipv4PseudoHeaderSum(syn, 14, 40, 6)), 0, 'TCP');
    const push = viewOf(TCP_PUSH_FRAME);
    assert.equal(computeChecksum(push, 34, 37, ipv4PseudoHeaderSum(push, 14, 37, 6)), 0, 'TCP of odd length');
    const udp = viewOf(UDP_FRAME);
    assert.equal(computeChecksum(udp, 34, 13, ipv4PseudoHeaderSum(udp, 14, 13, 17)), 0, 'UDP');
    const nd = viewOf(NEIGHBOR_ADVERTISEMENT_FRAME);
    assert.equal(computeChecksum(nd, 54, 32, ipv6PseudoHeaderSum(nd, 14, 32, 58)), 0, 'ICMPv6');
  });

  it('agrees with the naive one for any bytes at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, shift) => {
        const padded = new Uint8Array(bytes.length + shift);
        padded.set(bytes, shift);
        const view = exactView(padded);
        assert.equal(computeChecksum(view, shift, bytes.length), naiveChecksum(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('does not overflow on long runs of ones', () => {
    for (const length of [65535, 65536, 65537, 131072, 300001]) {
      const bytes = new Uint8Array(length).fill(0xff);
      bytes[7] = 0x12;
      assert.equal(computeChecksum(exactView(bytes), 0, length), naiveChecksum(bytes), String(length));
    }
  });

  it('adds up over parts of even length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(32), (bytes, half) => {
        const split = Math.min(half * 2, bytes.length & ~1);
        const view = exactView(bytes);
        const sum = sumBytes(view, split, bytes.length - split, sumBytes(view, 0, split));
        assert.equal(finishChecksum(sum), naiveChecksum(bytes));
      }),
    );
  });
});

describe('updating a checksum', () => {
  /** Bytes that are not all zero: their checksum is never all ones, which updates keep apart from 0. */
  const anyPacket = fc.uint8Array({ minLength: 42, maxLength: 60 }).map((bytes) => {
    bytes[1] = 1;
    return bytes.subarray(0, bytes.length & ~1);
  });

  it('gives RFC 1624, section 4', () => {
    assert.equal(updateChecksum16(0xdd2f, 0x5555, 0x3285), 0x0000);
  });

  it('is computing it again, for 16 bits', () => {
    fc.assert(
      fc.property(anyPacket, fc.nat(19), anyUint16, (bytes, word, after) => {
        const view = exactView(bytes);
        const at = 2 + 2 * word;
        const updated = updateChecksum16(computeChecksum(view, 0, bytes.length), view.getUint16(at), after);
        view.setUint16(at, after);
        assert.equal(updated, computeChecksum(view, 0, bytes.length));
      }),
    );
  });

  it('is computing it again, for 32 bits, signed or not', () => {
    fc.assert(
      fc.property(anyPacket, fc.nat(18), anyUint32, (bytes, word, after) => {
        const view = exactView(bytes);
        const at = 2 + 2 * word;
        const before = computeChecksum(view, 0, bytes.length);
        const updated = updateChecksum32(before, view.getUint32(at), after);
        assert.equal(updateChecksum32(before, view.getInt32(at), after | 0), updated);
        view.setUint32(at, after);
        assert.equal(updated, computeChecksum(view, 0, bytes.length));
      }),
    );
  });

  it('is computing it again, for 128 bits', () => {
    const anyWords = fc.array(fc.integer(), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(anyPacket, fc.nat(12), anyWords, (bytes, word, words) => {
        const view = exactView(bytes);
        const at = 2 + 2 * word;
        const after = Int32Array.from(words);
        const updated = updateChecksum128(computeChecksum(view, 0, bytes.length), view, at, after, 1);
        for (let index = 0; index < 4; index++) {
          view.setInt32(at + 4 * index, after[1 + index]!);
        }
        assert.equal(updated, computeChecksum(view, 0, bytes.length));
      }),
    );
  });
});

describe('CRC32c', () => {
  // RFC 3720 appendix B.4, and the usual check value
  const vectors: readonly [string, string, number][] = [
    ['123456789', Buffer.from('123456789').toString('hex'), 0xe3069283],
    ['32 zeros', '00'.repeat(32), 0x8a9136aa],
    ['32 times 0xff', 'ff'.repeat(32), 0x62a8ab43],
    ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('hex'), 0x46dd794e],
    ['nothing', '', 0],
  ];
  for (const [name, hex, crc] of vectors) {
    it(name, () => {
      const bytes = bytesOf(hex);
      assert.equal(computeCrc32c(exactView(bytes), 0, bytes.length), crc);
    });
  }

  it('agrees with the naive one, whole and in parts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), (bytes, half) => {
        const view = exactView(bytes);
        const split = Math.min(half, bytes.length);
        const expected = naiveCrc32c(bytes);
        assert.equal(computeCrc32c(view, 0, bytes.length), expected);
        const parts = crc32cBytes(view, split, bytes.length - split, crc32cBytes(view, 0, split));
        assert.equal(~parts >>> 0, expected);
      }),
    );
  });
});
