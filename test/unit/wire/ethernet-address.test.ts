import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ETHERNET_BROADCAST,
  ethernetAddressFromBytes,
  ethernetAddressToBytes,
  formatEthernetAddress,
  formatEthernetMasked,
  isEthernetMulticast,
  isEthernetReserved,
  parseEthernetAddress,
  parseEthernetMasked,
  readEthernetAddress,
  tryParseEthernetAddress,
  writeEthernetAddress,
} from '../../../src/wire/index.ts';
import { bytesOf, exactView } from './frames.ts';
import { anyEthernet } from './header-tests.ts';

describe('an Ethernet address', () => {
  it('is read from text', () => {
    assert.equal(parseEthernetAddress('46:a3:9b:29:f0:d5'), 0x46a39b29f0d5n);
    assert.equal(parseEthernetAddress('0:1:2:3:4:5'), 0x000102030405n);
    assert.equal(parseEthernetAddress('FF:FF:FF:FF:FF:FF'), ETHERNET_BROADCAST);
  });

  it('is refused when the text is anything else', () => {
    for (const text of [
      '',
      '0:1:2:3:4',
      '0:1:2:3:4:5:6',
      '0:1:2:3:4:100',
      '0001:1:2:3:4:5',
      '00-01-02-03-04-05',
      '001122334455',
      '0:1:2:3:4:g',
      '0:1:2:3:4:5 ',
      '0:1:2:3::5',
    ]) {
      assert.equal(tryParseEthernetAddress(text), null, text);
      assert.throws(() => parseEthernetAddress(text), {
        name: 'AddressError',
        code: 'ETHERNET_ADDRESS_INVALID',
        message: `${text}: invalid Ethernet address`,
      });
    }
  });

  it('goes through text and bytes unchanged', () => {
    fc.assert(
      fc.property(anyEthernet, (address) => {
        assert.equal(parseEthernetAddress(formatEthernetAddress(address)), address);
        assert.equal(ethernetAddressFromBytes(ethernetAddressToBytes(address)), address);
        const view = exactView(new Uint8Array(8));
        writeEthernetAddress(view, 1, address);
        assert.equal(readEthernetAddress(view, 1), address);
        assert.equal(view.getUint8(0) + view.getUint8(7), 0);
      }),
    );
  });

  it('is read from within bytes', () => {
    assert.equal(ethernetAddressFromBytes(bytesOf('ffff46a39b29f0d5'), 2), 0x46a39b29f0d5n);
  });

  it('goes with a mask', () => {
    const text = '01:00:00:00:00:00/01:00:00:00:00:00';
    const mask = 0x010000000000n;
    assert.deepEqual(parseEthernetMasked(text), { address: mask, mask });
    assert.equal(formatEthernetMasked(mask, mask), text);
    assert.deepEqual(parseEthernetMasked('0:0:0:0:0:1'), { address: 1n, mask: ETHERNET_BROADCAST });
    assert.equal(formatEthernetMasked(1n, ETHERNET_BROADCAST), '00:00:00:00:00:01');
    for (const wrong of ['0:0:0:0:0:1/8', '0:0:0:0:0:1/', '/0:0:0:0:0:1']) {
      assert.throws(() => parseEthernetMasked(wrong), { message: `${wrong}: invalid Ethernet address` });
    }
  });

  it('tells groups and what bridges consume', () => {
    assert.deepEqual(
      ['01:00:5e:00:00:16', 'ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01'].map((text) =>
        isEthernetMulticast(parseEthernetAddress(text)),
      ),
      [true, true, false],
    );
    assert.deepEqual(
      ['01:80:c2:00:00:00', '01:80:c2:00:00:0f', '01:80:c2:00:00:10', '01:80:c3:00:00:00'].map((text) =>
        isEthernetReserved(parseEthernetAddress(text)),
      ),
      [true, true, false, false],
    );
  });
});
