import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatIpv4Address,
  formatIpv4Masked,
  formatIpv6Address,
  formatIpv6Masked,
  IPV4_ALL_ONES,
  IPV6_ALL_ONES,
  ipv4MaskPrefix,
  ipv4PrefixMask,
  ipv6FromWords,
  ipv6LinkLocalFrom,
  ipv6MaskPrefix,
  ipv6PrefixMask,
  ipv6SolicitedNode,
  ipv6ToWords,
  isIpv4Multicast,
  isIpv6LinkLocal,
  isIpv6Multicast,
  parseIpv4Address,
  parseIpv4Masked,
  parseIpv6Address,
  parseIpv6Masked,
  readIpv6Address,
  tryParseIpv4Address,
  tryParseIpv6Address,
  writeIpv6Address,
} from '../../../src/wire/index.ts';
import { exactView } from './frames.ts';
import { anyUint32 } from './header-tests.ts';

/** Addresses with many zero groups, where text has its special cases. */
const anyGroup = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(0xffff) });
const anyIpv6 = fc
  .array(anyGroup, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((address, group) => (address << 16n) | BigInt(group), 0n));

describe('an IPv4 address', () => {
  it('is read from text', () => {
    assert.equal(parseIpv4Address('10.0.0.1'), 0x0a000001);
    assert.equal(parseIpv4Address('255.255.255.255'), 0xffffffff);
    assert.equal(parseIpv4Address('0.0.0.0'), 0);
  });

  it('is refused when the text is anything else', () => {
    for (const text of [
      '',
      '10.0.0',
      '10.0.0.256',
      '10.0.0.1.2',
      '010.0.0.1',
      '0x0a.0.0.1',
      '10.0.0.1 ',
      '1e1.0.0.1',
      '-1.0.0.1',
      '10..0.1',
    ]) {
      assert.equal(tryParseIpv4Address(text), null, text);
      assert.throws(() => parseIpv4Address(text), {
        name: 'AddressError',
        code: 'IPV4_ADDRESS_INVALID',
        message: `${text}: invalid IP address`,
      });
    }
  });

  it('goes through text unchanged', () => {
    fc.assert(fc.property(anyUint32, (address) => assert.equal(parseIpv4Address(formatIpv4Address(address)), address)));
  });

  it('is read as strictly as Node reads it', () => {
    const text = fc.string({ unit: fc.constantFrom(...'0125.'), maxLength: 15 });
    fc.assert(
      fc.property(text, (any) => assert.equal(tryParseIpv4Address(any) !== null, isIPv4(any), any)),
      { numRuns: 1000 },
    );
  });

  it('goes with a prefix or a netmask', () => {
    assert.deepEqual(parseIpv4Masked('10.1.2.3'), { address: 0x0a010203, mask: IPV4_ALL_ONES });
    assert.deepEqual(parseIpv4Masked('10.1.2.3/8'), { address: 0x0a010203, mask: 0xff000000 });
    assert.deepEqual(parseIpv4Masked('10.0.0.0/255.0.255.0'), { address: 0x0a000000, mask: 0xff00ff00 });
    assert.deepEqual(parseIpv4Masked('0.0.0.0/0'), { address: 0, mask: 0 });
    assert.throws(() => parseIpv4Masked('10.0.0.1/33'), {
      code: 'IPV4_PREFIX_INVALID',
      message: '10.0.0.1/33: IPv4 network prefix bits not between 0 and 32, inclusive',
    });
    for (const wrong of [
      '10.0.0.1/',
      '10.0.0/8',
      '10.0.0.1/8x',
      '10.0.0.1/-1',
      '10.0.0.1/8/8',
      '10.0.0.1/255.0.0.256',
    ]) {
      assert.throws(() => parseIpv4Masked(wrong), {
        code: 'IPV4_ADDRESS_INVALID',
        message: `${wrong}: invalid IP address`,
      });
    }
  });

  it('is written with a prefix, or a netmask where that is none', () => {
    assert.equal(formatIpv4Masked(0x0a000001, IPV4_ALL_ONES), '10.0.0.1');
    assert.equal(formatIpv4Masked(0x0a000000, 0xff000000), '10.0.0.0/8');
    assert.equal(formatIpv4Masked(0, 0), '0.0.0.0/0');
    assert.equal(formatIpv4Masked(0x0a000000, 0xff00ff00), '10.0.0.0/255.0.255.0');
    fc.assert(
      fc.property(anyUint32, anyUint32, (address, mask) => {
        assert.deepEqual(parseIpv4Masked(formatIpv4Masked(address, mask)), { address, mask });
      }),
    );
  });

  it('has 33 prefix masks', () => {
    for (let prefix = 0; prefix <= 32; prefix++) {
      const mask = ipv4PrefixMask(prefix);
      assert.equal(mask.toString(2).padStart(32, '0'), '1'.repeat(prefix).padEnd(32, '0'));
      assert.equal(ipv4MaskPrefix(mask), prefix);
      assert.equal(ipv4MaskPrefix(mask | 0), prefix);
    }
    assert.equal(ipv4MaskPrefix(0xff00ff00), -1);
    assert.equal(ipv4MaskPrefix(1), -1);
    assert.equal(ipv4MaskPrefix(0x7fffffff), -1);
  });

  it('tells groups', () => {
    assert.deepEqual([0xdfffffff, 0xe0000000, 0xefffffff, 0xf0000000].map(isIpv4Multicast), [false, true, true, false]);
  });
});

describe('an IPv6 address', () => {
  // The text is what `ovs-ofctl parse-flow` 3.1 prints.
  const texts: readonly [string, bigint, string?][] = [
    ['::', 0n],
    ['::1', 1n],
    ['1::', 1n << 112n],
    ['::0.1.0.2', 0x10002n],
    ['::1:2', 0x10002n, '::0.1.0.2'],
    ['::5:0', 0x50000n, '::0.5.0.0'],
    ['::ffff:1.2.3.4', 0xffff01020304n],
    ['::ffff:0:102:304', 0xffff000001020304n],
    ['::ffff:0:1.2.3.4', 0xffff000001020304n, '::ffff:0:102:304'],
    ['::3:4:5', 0x300040005n],
    ['1::2:0:0:3:4', 0x0001_0000_0000_0002_0000_0000_0003_0004n],
    ['1:0:2:3:4:5:6:7', 0x0001_0000_0002_0003_0004_0005_0006_0007n],
    ['1:2:3:4:5:6:7::', 0x0001_0002_0003_0004_0005_0006_0007_0000n, '1:2:3:4:5:6:7:0'],
    ['FE80::A', (0xfe80n << 112n) | 10n, 'fe80::a'],
    ['0001:02:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n, '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:1.2.3.4', 0x0001_0002_0003_0004_0005_0006_0102_0304n, '1:2:3:4:5:6:102:304'],
  ];
  for (const [text, address, canonical] of texts) {
    it(`is read from and written as text: ${text}`, () => {
      assert.equal(parseIpv6Address(text), address);
      assert.equal(formatIpv6Address(address), canonical ?? text);
    });
  }

  it('is refused when the text is anything else', () => {
    for (const text of [
      '',
      ':',
      ':::',
      '1',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2::3',
      '1:2:3:4::5:6:7:8',
      ':1::',
      '1:',
      '12345::',
      'fg::',
      '::1.2.3',
      '::1.2.3.256',
      '1.2.3.4::',
      '::1.2.3.4:5',
      '1.2.3.4',
      '1::%eth0',
      ' ::',
    ]) {
      assert.equal(tryParseIpv6Address(text), null, text);
      assert.throws(() => parseIpv6Address(text), {
        name: 'AddressError',
        code: 'IPV6_ADDRESS_INVALID',
        message: `${text}: invalid IPv6 address`,
      });
    }
  });

  it('goes through text, words and memory unchanged', () => {
    fc.assert(
      fc.property(anyIpv6, (address) => {
        const text = formatIpv6Address(address);
        assert.ok(isIPv6(text), text);
        assert.equal(parseIpv6Address(text), address);
        const words = new Int32Array(6);
        ipv6ToWords(address, words, 1);
        assert.equal(ipv6FromWords(words, 1), address);
        const view = exactView(new Uint8Array(17));
        writeIpv6Address(view, 1, address);
        assert.equal(readIpv6Address(view, 1), address);
        assert.equal(view.getInt32(1), words[1]);
        assert.equal(view.getInt32(13), words[4]);
      }),
      { numRuns: 500 },
    );
  });

  it('is read as strictly as Node reads it', () => {
    const text = fc.string({
      unit: fc.constantFrom('0', 'f', '1', ':', ':', '::', '.', '1.2.3.4', '12:34:56'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(text, (any) => assert.equal(tryParseIpv6Address(any) !== null, isIPv6(any), any)),
      { numRuns: 3000 },
    );
  });

  it('goes with a prefix or a netmask', () => {
    const address = 1n << 112n;
    assert.deepEqual(parseIpv6Masked('1::'), { address, mask: IPV6_ALL_ONES });
    assert.deepEqual(parseIpv6Masked('1::/16'), { address, mask: 0xffffn << 112n });
    assert.deepEqual(parseIpv6Masked('1::/ffff::'), { address, mask: 0xffffn << 112n });
    assert.throws(() => parseIpv6Masked('1::/129'), {
      code: 'IPV6_PREFIX_INVALID',
      message: '1::/129: IPv6 network prefix bits not between 0 and 128, inclusive',
    });
    for (const wrong of ['1::/', 'x/8', '1::/8x', '1::/1/1']) {
      assert.throws(() => parseIpv6Masked(wrong), {
        code: 'IPV6_ADDRESS_INVALID',
        message: `${wrong}: invalid IPv6 address`,
      });
    }
    fc.assert(
      fc.property(anyIpv6, anyIpv6, (any, mask) => {
        assert.deepEqual(parseIpv6Masked(formatIpv6Masked(any, mask)), { address: any, mask });
      }),
    );
  });

  it('has 129 prefix masks', () => {
    for (let prefix = 0; prefix <= 128; prefix++) {
      const mask = ipv6PrefixMask(prefix);
      assert.equal(mask.toString(2).padStart(128, '0'), '1'.repeat(prefix).padEnd(128, '0'));
      assert.equal(ipv6MaskPrefix(mask), prefix);
    }
    assert.equal(ipv6MaskPrefix(1n), -1);
    assert.equal(formatIpv6Masked(5n, 1n), '::5/::1');
  });

  it('tells groups and link-local addresses, and makes them', () => {
    assert.ok(isIpv6Multicast(parseIpv6Address('ff02::1')));
    assert.ok(!isIpv6Multicast(parseIpv6Address('fe80::1')));
    assert.ok(isIpv6LinkLocal(parseIpv6Address('febf::1')));
    assert.ok(!isIpv6LinkLocal(parseIpv6Address('fec0::1')));
    // as in the captured frames
    const linkLocal = ipv6LinkLocalFrom(0x4286e4371b43n);
    assert.equal(formatIpv6Address(linkLocal), 'fe80::4086:e4ff:fe37:1b43');
    assert.equal(formatIpv6Address(ipv6SolicitedNode(linkLocal)), 'ff02::1:ff37:1b43');
  });
});
