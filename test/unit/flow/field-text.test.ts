import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  FIELDS,
  fieldBits,
  formatFieldValue,
  MatchError,
  type PortNames,
  parseFieldValue,
  requireField,
} from '../../../src/flow/index.ts';

const PORTS: PortNames = {
  numberOf: (name) => ({ p1: 1, 's1-eth2': 2 })[name],
  nameOf: (number) => ({ 1: 'p1', 2: 's1-eth2' })[number],
};

/** Field, value and mask in hexadecimal, and what `set_field` of Open vSwitch 3.1 shows for them. */
const VALUES: readonly (readonly [field: string, text: string, value: bigint, mask: bigint, shown: string])[] = [
  ['reg0', '0', 0n, 0xffffffffn, '0'],
  ['reg0', '0x5/0xff', 5n, 0xffn, '0x5/0xff'],
  ['metadata', '5', 5n, 0xffffffffffffffffn, '0x5'],
  ['metadata', '0/0xff', 0n, 0xffn, '0/0xff'],
  ['xxreg1', '0x500000000000000000000', 0x500000000000000000000n, (1n << 128n) - 1n, '0x500000000000000000000'],
  ['in_port', '5', 5n, 0xffffn, '5'],
  ['in_port', 'local', 0xfffen, 0xffffn, 'LOCAL'],
  ['in_port_oxm', 'LOCAL', 0xfffffffen, 0xffffffffn, 'LOCAL'],
  ['ip_dscp', '3', 3n, 0x3fn, '3'],
  ['nw_tos', '252', 252n, 0xfcn, '252'],
  ['tun_id', '0x12345', 0x12345n, 0xffffffffffffffffn, '0x12345'],
  ['tun_gbp_id', '5/0xf', 5n, 0xfn, '5/0xf'],
  ['tun_flags', '+oam', 1n, 1n, 'oam'],
  ['tun_flags', '0', 0n, 1n, '0'],
  ['vlan_vid', '0x1005', 0x1005n, 0x1fffn, '4101'],
  ['mpls_label', '3', 3n, 0xfffffn, '3'],
  ['ipv6_src', 'fe80::1', 0xfe80_0000_0000_0000_0000_0000_0000_0001n, (1n << 128n) - 1n, 'fe80::1'],
  ['ipv6_dst', '::/64', 0n, ((1n << 64n) - 1n) << 64n, '::/64'],
  ['ipv6_label', '3/7', 3n, 7n, '0x3/0x7'],
  ['ip_src', '10.1.2.3/8', 0x0a000000n, 0xff000000n, '10.0.0.0/8'],
  ['eth_src', '1:2:3:4:5:6', 0x010203040506n, 0xffffffffffffn, '01:02:03:04:05:06'],
  ['ct_state', '+trk-new', 0x20n, 0x21n, '-new+trk'],
  ['ct_state', 'new|est', 3n, 0xffn, 'new|est'],
  ['tcp_flags', 'syn|ack', 0x12n, 0xfffn, 'syn|ack'],
  ['tcp_flags', '0x2/0x12', 2n, 0x12n, '+syn-ack'],
  ['ip_frag', 'not_later', 0n, 2n, 'not_later'],
  ['packet_type', '(1,0x800)', 0x10800n, 0xffffffffn, '(1,0x800)'],
  ['packet_type', '(4,1)', 0x40001n, 0xffffffffn, '(4,1)'],
];

describe('values of fields', () => {
  for (const [name, text, value, mask, shown] of VALUES) {
    it(`${text} of ${name} is read, and shown as ${shown}`, () => {
      const field = requireField(name);
      const read = parseFieldValue(field, text);
      assert.deepEqual(read, { value, mask });
      assert.equal(formatFieldValue(field, read.value, read.mask), shown);
    });
  }

  it('come back from their text', () => {
    const fields = FIELDS.filter((field) => field.width > 0 && field.name !== 'ip_frag');
    const anyValue = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
    fc.assert(
      fc.property(fc.constantFrom(...fields), anyValue, anyValue, (field, anyBits, anyMask) => {
        const mask = field.maskable ? anyMask & fieldBits(field) : fieldBits(field);
        const value = anyBits & mask;
        fc.pre(field.format !== 'openflow-port' || value < 0xff00n);
        const text = formatFieldValue(field, value, mask);
        assert.deepEqual(parseFieldValue(field, text), { value, mask }, text);
      }),
      { numRuns: 2000 },
    );
  });

  it('may name ports', () => {
    const inPort = requireField('in_port');
    assert.equal(parseFieldValue(inPort, 'p1', { ports: PORTS }).value, 1n);
    assert.equal(parseFieldValue(inPort, '"s1-eth2"', { ports: PORTS }).value, 2n);
    assert.equal(formatFieldValue(inPort, 1n, 0xffffn, { ports: PORTS }), 'p1');
    assert.equal(formatFieldValue(inPort, 2n, 0xffffn, { ports: PORTS }), '"s1-eth2"');
    assert.equal(formatFieldValue(inPort, 3n, 0xffffn, { ports: PORTS }), '3');
    assert.throws(
      () => parseFieldValue(inPort, '"p1', { ports: PORTS }),
      isError('VALUE_INVALID', /invalid or unknown port/),
    );
  });

  it('that are wrong name the key, the value and what was expected', () => {
    const cases: readonly (readonly [string, string, string, string])[] = [
      ['nw_src', '10.0.0.256', 'VALUE_INVALID', '10.0.0.256: bad value for nw_src (invalid IP address)'],
      ['ip_dscp', '64', 'VALUE_OUT_OF_RANGE', '64: bad value for ip_dscp (expected 0 to 63)'],
      ['reg0', '4294967296', 'VALUE_OUT_OF_RANGE', '4294967296: value too large for 4-byte field reg0'],
      [
        'reg0',
        '1/foo',
        'VALUE_INVALID',
        '1/foo: bad syntax for reg0 mask (expected a decimal number, or a hexadecimal one after 0x)',
      ],
      ['nw_proto', '6/1', 'MASK_INVALID', '6/1: invalid mask for field nw_proto (it is matched whole or not at all)'],
      ['tun_metadata5', '1', 'FIELD_NOT_MAPPED', 'tun_metadata5: not mapped to a tunnel option (see add-tlv-map)'],
    ];
    for (const [key, text, code, message] of cases) {
      assert.throws(() => parseFieldValue(requireField(key), text, {}, key), { name: 'MatchError', code, message });
    }
  });

  it('may be as careless as with Open vSwitch', () => {
    const careless = (name: string, text: string) =>
      parseFieldValue(requireField(name), text, { ovsCompat: true }).value;
    assert.equal(careless('nw_src', '10.0.0.256'), 0x0a000000n);
    assert.equal(careless('nw_src', '1.2.3.-1'), 0x010203ffn);
    assert.equal(careless('reg0', '010'), 8n);
    assert.equal(careless('metadata', '-1'), 0xffffffffffffffffn);
    assert.equal(careless('nw_tos', '3'), 0n);
    assert.equal(careless('dl_src', '1ff:002:3:4:5:6'), 0xff0203040506n);
  });
});

function isError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof MatchError && error.code === code && message.test(error.message);
}
