/**
 * The tests that every header has, in one place: deconstruct, construct, parse and emit against one literal packet, a
 * round trip for any record, and survival of random and cut-off bytes.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bytesOf, exactView, viewOf } from './frames.ts';

/** One field of a header: its getter, what it reads from the literal packet, its setter. */
export interface Field {
  readonly name: string;
  readonly read: (view: DataView, offset: number) => unknown;
  readonly value: unknown;
  readonly write: ((view: DataView, offset: number) => void) | null;
}

export function field<Value>(
  read: (view: DataView, offset: number) => Value,
  value: Value,
  write?: (view: DataView, offset: number, value: Value) => void,
): Field {
  const set = write === undefined ? null : (view: DataView, offset: number): void => write(view, offset, value);
  return { name: read.name, read, value, write: set };
}

export interface HeaderTests<Header> {
  readonly name: string;
  /** a real header, with its payload where it has one */
  readonly packet: string;
  /** length of the header in `packet` */
  readonly headerLength: number;
  /** what the packet's header says */
  readonly header: Header;
  /** any other header of the same length, for the setters to overwrite; without it they are not tested */
  readonly blank?: Header;
  readonly fields: readonly Field[];
  check(view: DataView, offset: number, end: number): number;
  parse(view: DataView, offset: number, end: number): Header | null;
  length(header: Header): number;
  emit(header: Header, view: DataView, offset: number): number;
  /** fills what covers the payload, once that is in place */
  finish?(view: DataView, offset: number, end: number): void;
  /** what the check returns where that is not all that the record covers: the part that all messages share */
  readonly checkedLength?: number;
  /** whether `parse` may refuse what the check takes */
  readonly isParseStricter?: boolean;
  /** whether a checked message is of a kind that has the fields */
  hasFields?(view: DataView): boolean;
  /** bytes behind the header that the check asks for though they are not its own */
  readonly trailerLength?: number;
  /** records to send around; `payloadLength` of a record must not exceed `MAXIMUM_PAYLOAD` */
  readonly headers: fc.Arbitrary<Header>;
}

export const MAXIMUM_PAYLOAD = 64;
const FILLER = 0xa5;
/** so that nothing depends on a header at offset 0 */
const OFFSET = 3;

export function testHeader<Header>(tests: HeaderTests<Header>): void {
  const { packet, headerLength, header, blank, fields } = tests;
  const packetLength = bytesOf(packet).length;

  describe(tests.name, () => {
    it('deconstructs', () => {
      const view = viewOf(packet);
      assert.equal(tests.check(view, 0, view.byteLength), tests.checkedLength ?? headerLength);
      for (const { name, read, value } of fields) {
        assert.deepEqual(read(view, 0), value, name);
      }
    });

    const construct = (start: typeof header): void => {
      const view = exactView(new Uint8Array(OFFSET + packetLength).fill(FILLER));
      tests.emit(start, view, OFFSET);
      new Uint8Array(view.buffer).set(bytesOf(packet).subarray(headerLength), OFFSET + headerLength);
      for (const { write } of fields) {
        write?.(view, OFFSET);
      }
      assert.deepEqual(hexOf(view, OFFSET, packetLength), packet);
    };
    if (blank !== undefined) {
      it('constructs', () => construct(blank));
    }

    it('parses', () => {
      const view = viewOf(packet);
      assert.deepEqual(tests.parse(view, 0, view.byteLength), header);
    });

    it('emits', () => {
      const view = exactView(new Uint8Array(OFFSET + packetLength + OFFSET).fill(FILLER));
      assert.equal(tests.length(header), headerLength);
      assert.equal(tests.emit(header, view, OFFSET), headerLength);
      new Uint8Array(view.buffer).set(bytesOf(packet).subarray(headerLength), OFFSET + headerLength);
      tests.finish?.(view, OFFSET, OFFSET + packetLength);
      assert.deepEqual(hexOf(view, 0, view.byteLength), `a5a5a5${packet}a5a5a5`);
    });

    it('parses what it emits', () => {
      fc.assert(
        fc.property(tests.headers, (any) => {
          const length = tests.length(any);
          const view = exactView(new Uint8Array(length + MAXIMUM_PAYLOAD).fill(FILLER));
          assert.equal(tests.emit(any, view, 0), length);
          const payloadLength = payloadLengthOf(any) + (tests.trailerLength ?? 0);
          assert.deepEqual(tests.parse(view, 0, length + payloadLength), any);
        }),
      );
    });

    it('survives any bytes', () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 96 }), (bytes) => survive(tests, bytes)));
    });

    it('survives its packet cut off anywhere, with bytes changed', () => {
      const damage = fc.array(fc.tuple(fc.nat(packetLength - 1), fc.nat(255)), { maxLength: 3 });
      fc.assert(
        fc.property(fc.nat(packetLength), damage, (length, changes) => {
          const bytes = bytesOf(packet);
          for (const [index, value] of changes) {
            bytes[index] = value;
          }
          survive(tests, bytes.subarray(0, length));
        }),
        { numRuns: 300 },
      );
    });
  });
}

/** A view that ends with the bytes makes any read beyond them throw. */
function survive<Header>(tests: HeaderTests<Header>, bytes: Uint8Array): void {
  const view = exactView(bytes);
  const length = tests.check(view, 0, bytes.length);
  const header = tests.parse(view, 0, bytes.length);
  if (length < 0) {
    assert.equal(header, null);
    return;
  }
  assert.ok(length <= bytes.length);
  assert.ok(header !== null || tests.isParseStricter === true);
  if (tests.hasFields?.(view) ?? true) {
    for (const { read } of tests.fields) {
      read(view, 0);
    }
  }
}

function payloadLengthOf(header: unknown): number {
  const { payloadLength } = header as { readonly payloadLength?: number };
  return payloadLength ?? 0;
}

function hexOf(view: DataView, offset: number, length: number): string {
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset + offset, length).toString('hex');
}

export const anyUint8: fc.Arbitrary<number> = fc.nat(0xff);
export const anyUint16: fc.Arbitrary<number> = fc.nat(0xffff);
export const anyUint32: fc.Arbitrary<number> = fc.nat(0xffffffff);
export const anyEthernet: fc.Arbitrary<bigint> = fc.bigInt(0n, 0xffff_ffff_ffffn);
export const anyIpv6: fc.Arbitrary<bigint> = fc.bigInt(0n, (1n << 128n) - 1n);
export const anyPayloadLength: fc.Arbitrary<number> = fc.nat(MAXIMUM_PAYLOAD);

/** Arrays of `unit`·n + `rest` bytes. */
export function anyBytes(unit: number, maximum: number, rest: number = 0): fc.Arbitrary<Uint8Array> {
  return fc
    .nat(maximum)
    .chain((count) => fc.uint8Array({ minLength: count * unit + rest, maxLength: count * unit + rest }));
}

/** Records that `deepEqual` takes for literals: `fc.record` makes some without a prototype. */
export function anyRecord<Fields>(
  fields: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<Fields> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Fields>;
}
