/**
 * Bundles of one connection (OpenFlow 1.4 section 6.8; ONF extension 230 in 1.3): messages that are kept, and carried out together
 * when the bundle is committed. A bundle that is used wrongly is gone.
 */
import {
  type BundleControlMessage,
  type DecodedMessage,
  OpenFlowError,
  type OpenFlowErrorName,
} from '../openflow/index.ts';

/** A message in a bundle. */
export interface BundledMessage {
  readonly decoded: DecodedMessage;
  readonly bytes: Uint8Array;
}

interface Bundle {
  readonly flags: number;
  isClosed: boolean;
  readonly messages: BundledMessage[];
}

/** so that a connection cannot fill the memory with bundles that it never commits */
const MAX_BUNDLES = 1024;

export class Bundles {
  readonly #bundles: Map<number, Bundle> = new Map();

  /** Throws OFPBFC_BAD_ID when it is open already, OFPBFC_OUT_OF_BUNDLES. */
  open({ bundleId, flags }: BundleControlMessage): void {
    if (this.#bundles.has(bundleId)) {
      this.#fail(bundleId, 'OFPBFC_BAD_ID', 'is open already');
    }
    this.#create(bundleId, flags);
  }

  /** Throws OFPBFC_BAD_ID, OFPBFC_BUNDLE_CLOSED, OFPBFC_BAD_FLAGS. */
  close({ bundleId, flags }: BundleControlMessage): void {
    const bundle = this.#require(bundleId);
    if (bundle.isClosed) {
      this.#fail(bundleId, 'OFPBFC_BUNDLE_CLOSED', 'is closed already');
    }
    this.#checkFlags(bundleId, bundle, flags);
    bundle.isClosed = true;
  }

  /** Throws OFPBFC_BAD_ID. */
  discard({ bundleId }: BundleControlMessage): void {
    this.#require(bundleId);
    this.#bundles.delete(bundleId);
  }

  /** Takes the messages of a bundle to carry them out. Throws OFPBFC_BAD_ID, OFPBFC_BAD_FLAGS. */
  take({ bundleId, flags }: BundleControlMessage): readonly BundledMessage[] {
    const bundle = this.#require(bundleId);
    this.#checkFlags(bundleId, bundle, flags);
    this.#bundles.delete(bundleId);
    return bundle.messages;
  }

  /** Puts a message in a bundle, which is opened if need be. Throws OFPBFC_BUNDLE_CLOSED, OFPBFC_BAD_FLAGS, OFPBFC_OUT_OF_BUNDLES. */
  add(bundleId: number, flags: number, message: BundledMessage): void {
    const bundle = this.#bundles.get(bundleId) ?? this.#create(bundleId, flags);
    if (bundle.isClosed) {
      this.#fail(bundleId, 'OFPBFC_BUNDLE_CLOSED', 'is closed');
    }
    this.#checkFlags(bundleId, bundle, flags);
    bundle.messages.push(message);
  }

  #create(bundleId: number, flags: number): Bundle {
    if (this.#bundles.size >= MAX_BUNDLES) {
      throw new OpenFlowError('OFPBFC_OUT_OF_BUNDLES', `${MAX_BUNDLES} bundles are open`);
    }
    const bundle = { flags, isClosed: false, messages: [] };
    this.#bundles.set(bundleId, bundle);
    return bundle;
  }

  #require(bundleId: number): Bundle {
    return this.#bundles.get(bundleId) ?? this.#fail(bundleId, 'OFPBFC_BAD_ID', 'does not exist');
  }

  #checkFlags(bundleId: number, bundle: Bundle, flags: number): void {
    if (bundle.flags !== flags) {
      this.#fail(bundleId, 'OFPBFC_BAD_FLAGS', `has the flags ${bundle.flags}, not ${flags}`);
    }
  }

  #fail(bundleId: number, code: OpenFlowErrorName, text: string): never {
    this.#bundles.delete(bundleId);
    throw new OpenFlowError(code, `bundle ${bundleId} ${text}`);
  }
}
