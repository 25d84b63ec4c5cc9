/**
 * OpenFlow's errors by name, with their numbers in each protocol version, and the error class that carries one.
 *
 * What. A controller learns of a failure as an OFPT_ERROR message with a type and a code. The same failure has different
 * numbers in different versions, and some have none in old ones: there Open vSwitch, and so this table, sends a
 * vendor error of Nicira's (`nx:`) or of the Open Networking Foundation's (`onf:`). Programs here know only the names.
 */

/** Wire versions of OpenFlow: 1 = OpenFlow 1.0 … 6 = OpenFlow 1.5. */
export type OpenFlowVersion = 1 | 2 | 3 | 4 | 5 | 6;

/**
 * Numbers by version: `1.1=5.1` is type 5, code 1 in OpenFlow 1.1 and later until the next entry, `-` is none. A vendor
 * error of OpenFlow 1.0 and 1.1 has a type and a code too; of 1.2 and later it has one number, the experimenter's type.
 */
const ERRORS = {
  NXBAC_BAD_CONJUNCTION: '1.0=nx:2.526 1.2=nx:15',
  NXBAC_BAD_ED_PROP: '1.3=nx:41',
  NXBAC_BAD_HEADER_TYPE: '1.3=nx:39',
  NXBAC_CT_DATAPATH_SUPPORT: '1.0=nx:1.265 1.2=nx:42',
  NXBAC_MUST_BE_ZERO: '1.0=nx:2.256 1.2=nx:11',
  NXBAC_UNKNOWN_ED_PROP: '1.3=nx:40',
  NXBMC_CT_DATAPATH_SUPPORT: '1.0=nx:1.264 1.2=nx:43',
  NXBRC_BAD_REASON: '1.0=nx:1.516 1.2=nx:5',
  NXBRC_FM_BAD_EVENT: '1.0=nx:1.520 1.2=nx:9',
  NXBRC_MUST_BE_ZERO: '1.0=nx:1.515 1.2=nx:4',
  NXBRC_NXM_BAD_TYPE: '1.0=nx:1.257 1.2=nx:3',
  NXBRC_NXM_INVALID: '1.0=nx:1.256 1.2=nx:2',
  NXBRC_UNENCODABLE_ERROR: '1.0=nx:1.521 1.2=nx:10',
  NXFMFC_BAD_TABLE_ID: '1.0=nx:5.257 1.2=nx:13',
  NXFMFC_HARDWARE: '1.0=nx:5.256 1.2=nx:12',
  NXFMFC_INVALID_TLV_FIELD: '1.0=nx:1.536 1.2=nx:37',
  NXQOFC_QUEUE_ERROR: '1.4=nx:23',
  NXR_NOT_SUPPORTED: '1.0=nx:1.533 1.2=nx:34',
  NXR_STALE: '1.0=nx:1.534 1.2=nx:35',
  NXST_NOT_CONFIGURED: '1.0=nx:1.535 1.2=nx:36',
  NXTFFC_DUP_TABLE: '1.3=nx:44',
  NXTTMFC_ALREADY_MAPPED: '1.0=nx:1.531 1.2=nx:20',
  NXTTMFC_BAD_COMMAND: '1.0=nx:1.527 1.2=nx:16',
  NXTTMFC_BAD_FIELD_IDX: '1.0=nx:1.529 1.2=nx:18',
  NXTTMFC_BAD_OPT_LEN: '1.0=nx:1.528 1.2=nx:17',
  NXTTMFC_DUP_ENTRY: '1.0=nx:1.532 1.2=nx:21',
  NXTTMFC_INVALID_TLV_DEL: '1.0=nx:1.537 1.2=nx:38',
  NXTTMFC_TABLE_FULL: '1.0=nx:1.530 1.2=nx:19',
  OFPACFC_EPERM: '1.3=onf:2372 1.4=15.2',
  OFPACFC_INVALID: '1.3=onf:2370 1.4=15.0',
  OFPACFC_UNSUPPORTED: '1.3=onf:2371 1.4=15.1',
  OFPBAC_BAD_ARGUMENT: '1.0=2.5',
  OFPBAC_BAD_LEN: '1.0=2.1',
  OFPBAC_BAD_METER: '1.5=2.17',
  OFPBAC_BAD_OUT_GROUP: '1.0=nx:2.9 1.1=2.9',
  OFPBAC_BAD_OUT_PORT: '1.0=2.4',
  OFPBAC_BAD_QUEUE: '1.0=2.8',
  OFPBAC_BAD_SET_ARGUMENT: '1.0=nx:1.525 1.2=2.15',
  OFPBAC_BAD_SET_LEN: '1.0=nx:1.524 1.2=2.14',
  OFPBAC_BAD_SET_MASK: '1.5=2.16',
  OFPBAC_BAD_SET_TYPE: '1.0=nx:1.523 1.2=2.13',
  OFPBAC_BAD_TAG: '1.1=2.12',
  OFPBAC_BAD_TYPE: '1.0=2.0',
  OFPBAC_BAD_VENDOR: '1.0=2.2',
  OFPBAC_BAD_VENDOR_TYPE: '1.0=2.3',
  OFPBAC_EPERM: '1.0=2.6',
  OFPBAC_MATCH_INCONSISTENT: '1.0=nx:1.522 1.1=2.10',
  OFPBAC_TOO_MANY: '1.0=2.7',
  OFPBAC_UNSUPPORTED_ORDER: '1.1=2.11',
  OFPBFC_BAD_FLAGS: '1.3=onf:2307 1.4=17.7',
  OFPBFC_BAD_ID: '1.3=onf:2302 1.4=17.2',
  OFPBFC_BAD_TYPE: '1.3=onf:2306 1.4=17.6',
  OFPBFC_BAD_VERSION: '1.4=nx:22',
  OFPBFC_BUNDLE_CLOSED: '1.3=onf:2304 1.4=17.4',
  OFPBFC_BUNDLE_EXIST: '1.3=onf:2303 1.4=17.3',
  OFPBFC_BUNDLE_IN_PROGRESS: '1.3=onf:2315 1.4=17.15',
  OFPBFC_EPERM: '1.3=onf:2301 1.4=17.1',
  OFPBFC_MSG_BAD_LEN: '1.3=onf:2308 1.4=17.8',
  OFPBFC_MSG_BAD_XID: '1.3=onf:2309 1.4=17.9',
  OFPBFC_MSG_CONFLICT: '1.3=onf:2311 1.4=17.11',
  OFPBFC_MSG_FAILED: '1.3=onf:2313 1.4=17.13',
  OFPBFC_MSG_TOO_MANY: '1.3=onf:2312 1.4=17.12',
  OFPBFC_MSG_UNSUP: '1.3=onf:2310 1.4=17.10',
  OFPBFC_OUT_OF_BUNDLES: '1.3=onf:2305 1.4=17.5',
  OFPBFC_SCHED_FUTURE: '1.5=17.17',
  OFPBFC_SCHED_NOT_SUPPORTED: '1.5=17.16',
  OFPBFC_SCHED_PAST: '1.5=17.18',
  OFPBFC_TIMEOUT: '1.3=onf:2314 1.4=17.14',
  OFPBFC_UNKNOWN: '1.3=onf:2300 1.4=17.0',
  OFPBIC_BAD_EXPERIMENTER: '1.1=3.5',
  OFPBIC_BAD_EXP_TYPE: '1.2=3.6',
  OFPBIC_BAD_LEN: '1.2=3.7',
  OFPBIC_BAD_TABLE_ID: '1.1=3.2',
  OFPBIC_DUP_INST: '1.1=nx:3.256 1.2=onf:2600 1.4=3.9',
  OFPBIC_EPERM: '1.2=3.8',
  OFPBIC_UNKNOWN_INST: '1.1=3.0',
  OFPBIC_UNSUP_INST: '1.0=nx:2.257 1.1=3.1',
  OFPBIC_UNSUP_METADATA: '1.1=3.3',
  OFPBIC_UNSUP_METADATA_MASK: '1.1=3.4',
  OFPBMC_BAD_DL_ADDR_MASK: '1.1=4.3',
  OFPBMC_BAD_FIELD: '1.0=nx:0.263 1.1=4.6',
  OFPBMC_BAD_LEN: '1.1=4.1',
  OFPBMC_BAD_MASK: '1.0=nx:1.259 1.2=4.8',
  OFPBMC_BAD_NW_ADDR_MASK: '1.1=4.4',
  OFPBMC_BAD_PREREQ: '1.0=nx:1.260 1.2=4.9',
  OFPBMC_BAD_TAG: '1.1=4.2',
  OFPBMC_BAD_TYPE: '1.1=4.0',
  OFPBMC_BAD_VALUE: '1.0=nx:1.258 1.1=4.7',
  OFPBMC_BAD_WILDCARDS: '1.0=nx:1.262 1.1=4.5',
  OFPBMC_DUP_FIELD: '1.0=nx:1.261 1.2=4.10',
  OFPBMC_EPERM: '1.2=4.11',
  OFPBPC_BAD_EXPERIMENTER: '1.0=nx:14.5 1.2=nx:30 1.3=- 1.4=14.5',
  OFPBPC_BAD_EXP_TYPE: '1.0=nx:14.6 1.2=nx:31 1.3=- 1.4=14.6',
  OFPBPC_BAD_EXP_VALUE: '1.0=nx:14.7 1.2=nx:32 1.3=- 1.4=14.7',
  OFPBPC_BAD_LEN: '1.0=nx:13.3 1.2=nx:26 1.3=13.3 1.4=14.1',
  OFPBPC_BAD_TYPE: '1.0=nx:13.2 1.2=nx:25 1.3=13.2 1.4=14.0',
  OFPBPC_BAD_VALUE: '1.0=nx:13.4 1.2=nx:27 1.3=13.4 1.4=14.2',
  OFPBPC_DUP_TYPE: '1.0=nx:14.4 1.2=nx:29 1.3=- 1.4=14.4',
  OFPBPC_EPERM: '1.0=nx:14.8 1.2=nx:33 1.3=- 1.4=14.8',
  OFPBPC_TOO_MANY: '1.0=nx:14.3 1.2=nx:28 1.3=- 1.4=14.3',
  OFPBRC_BAD_LEN: '1.0=1.6',
  OFPBRC_BAD_PACKET: '1.2=1.12',
  OFPBRC_BAD_PORT: '1.0=nx:1.514 1.2=1.11',
  OFPBRC_BAD_STAT: '1.0=1.2',
  OFPBRC_BAD_SUBTYPE: '1.0=1.4',
  OFPBRC_BAD_TABLE_ID: '1.0=nx:1.512 1.1=1.9',
  OFPBRC_BAD_TYPE: '1.0=1.1',
  OFPBRC_BAD_VENDOR: '1.0=1.3',
  OFPBRC_BAD_VERSION: '1.0=1.0',
  OFPBRC_BUFFER_EMPTY: '1.0=1.7',
  OFPBRC_BUFFER_UNKNOWN: '1.0=1.8',
  OFPBRC_EPERM: '1.0=1.5',
  OFPBRC_IS_SECONDARY: '1.2=1.10',
  OFPBRC_MULTIPART_BAD_SCHED: '1.5=1.16',
  OFPBRC_MULTIPART_BUFFER_OVERFLOW: '1.3=1.13',
  OFPBRC_MULTIPART_REPLY_TIMEOUT: '1.3=onf:2641 1.4=1.15',
  OFPBRC_MULTIPART_REQUEST_TIMEOUT: '1.3=onf:2640 1.4=1.14',
  OFPBRC_PIPELINE_FIELDS_ONLY: '1.5=1.17',
  OFPBRC_UNKNOWN: '1.5=1.18',
  OFPFMFC_BAD_COMMAND: '1.0=3.4 1.1=5.6',
  OFPFMFC_BAD_EMERG_TIMEOUT: '1.0=3.3 1.1=-',
  OFPFMFC_BAD_FLAGS: '1.0=nx:3.258 1.1=nx:5.258 1.2=5.7',
  OFPFMFC_BAD_PRIORITY: '1.3=onf:2360 1.4=5.9',
  OFPFMFC_BAD_TABLE_ID: '1.1=5.2',
  OFPFMFC_BAD_TIMEOUT: '1.1=5.5',
  OFPFMFC_CANT_SYNC: '1.4=5.8',
  OFPFMFC_EPERM: '1.0=3.2 1.1=5.4',
  OFPFMFC_IS_SYNC: '1.4=5.10',
  OFPFMFC_OVERLAP: '1.0=3.1 1.1=5.3',
  OFPFMFC_TABLE_FULL: '1.0=3.0 1.1=5.1',
  OFPFMFC_UNKNOWN: '1.1=5.0',
  OFPFMFC_UNSUPPORTED: '1.0=3.5 1.1=-',
  OFPGMFC_BAD_BUCKET: '1.0=nx:6.12 1.1=- 1.2=6.12',
  OFPGMFC_BAD_COMMAND: '1.0=nx:6.11 1.1=- 1.2=6.11',
  OFPGMFC_BAD_TYPE: '1.0=nx:6.10 1.1=- 1.2=6.10',
  OFPGMFC_BAD_WATCH: '1.0=nx:6.13 1.1=- 1.2=6.13',
  OFPGMFC_BUCKET_EXISTS: '1.0=nx:6.16 1.1=- 1.5=6.16',
  OFPGMFC_CHAINED_GROUP: '1.0=nx:6.9 1.1=- 1.2=6.9',
  OFPGMFC_CHAINING_UNSUPPORTED: '1.0=nx:6.5 1.1=6.5',
  OFPGMFC_EPERM: '1.0=nx:6.14 1.1=- 1.2=6.14',
  OFPGMFC_GROUP_EXISTS: '1.0=nx:6.0 1.1=6.0',
  OFPGMFC_INVALID_GROUP: '1.0=nx:6.1 1.1=6.1',
  OFPGMFC_LOOP: '1.0=nx:6.7 1.1=6.7',
  OFPGMFC_OUT_OF_BUCKETS: '1.0=nx:6.4 1.1=6.4',
  OFPGMFC_OUT_OF_GROUPS: '1.0=nx:6.3 1.1=6.3',
  OFPGMFC_UNKNOWN_BUCKET: '1.0=nx:6.15 1.1=- 1.5=6.15',
  OFPGMFC_UNKNOWN_GROUP: '1.0=nx:6.8 1.1=6.8',
  OFPGMFC_WATCH_UNSUPPORTED: '1.0=nx:6.6 1.1=6.6',
  OFPGMFC_WEIGHT_UNSUPPORTED: '1.0=nx:6.2 1.1=6.2',
  OFPHFC_EPERM: '1.0=0.1',
  OFPHFC_INCOMPATIBLE: '1.0=0.0',
  OFPMMFC_BAD_BAND: '1.3=12.8',
  OFPMMFC_BAD_BAND_VALUE: '1.3=12.9',
  OFPMMFC_BAD_BURST: '1.3=12.7',
  OFPMMFC_BAD_COMMAND: '1.3=12.4',
  OFPMMFC_BAD_FLAGS: '1.3=12.5',
  OFPMMFC_BAD_RATE: '1.3=12.6',
  OFPMMFC_INVALID_METER: '1.3=12.2',
  OFPMMFC_METER_EXISTS: '1.3=12.1',
  OFPMMFC_OUT_OF_BANDS: '1.3=12.11',
  OFPMMFC_OUT_OF_METERS: '1.3=12.10',
  OFPMMFC_UNKNOWN: '1.3=12.0',
  OFPMMFC_UNKNOWN_METER: '1.3=12.3',
  OFPMOFC_BAD_COMMAND: '1.4=16.4',
  OFPMOFC_BAD_FLAGS: '1.0=nx:1.518 1.2=nx:7 1.4=16.5',
  OFPMOFC_BAD_OUT: '1.4=16.7',
  OFPMOFC_BAD_TABLE_ID: '1.4=16.6',
  OFPMOFC_INVALID_MONITOR: '1.4=16.2',
  OFPMOFC_MONITOR_EXISTS: '1.0=nx:1.517 1.2=nx:6 1.4=16.1',
  OFPMOFC_UNKNOWN: '1.4=16.0',
  OFPMOFC_UNKNOWN_MONITOR: '1.0=nx:1.519 1.2=nx:8 1.4=16.3',
  OFPPMFC_BAD_ADVERTISE: '1.1=7.3',
  OFPPMFC_BAD_CONFIG: '1.1=7.2',
  OFPPMFC_BAD_HW_ADDR: '1.0=4.1 1.1=7.1',
  OFPPMFC_BAD_PORT: '1.0=4.0 1.1=7.0',
  OFPPMFC_EPERM: '1.2=7.4',
  OFPQOFC_BAD_PORT: '1.0=5.0 1.1=9.0',
  OFPQOFC_BAD_QUEUE: '1.0=5.1 1.1=9.1',
  OFPQOFC_EPERM: '1.0=5.2 1.1=9.2',
  OFPRRFC_BAD_ROLE: '1.0=nx:1.513 1.2=11.2',
  OFPRRFC_ID_IN_USE: '1.5=11.4',
  OFPRRFC_ID_UNSUP: '1.5=11.3',
  OFPRRFC_STALE: '1.2=11.0',
  OFPRRFC_UNSUP: '1.2=11.1',
  OFPSCFC_BAD_FLAGS: '1.1=10.0',
  OFPSCFC_BAD_LEN: '1.1=10.1',
  OFPSCFC_EPERM: '1.2=10.2',
  OFPTFFC_BAD_CAPA: '1.5=13.6',
  OFPTFFC_BAD_COMMAND: '1.5=13.9',
  OFPTFFC_BAD_FEATURES: '1.5=13.8',
  OFPTFFC_BAD_MAX_ENT: '1.5=13.7',
  OFPTFFC_BAD_METADATA: '1.3=13.1',
  OFPTFFC_BAD_TABLE: '1.3=13.0',
  OFPTFFC_EPERM: '1.3=13.5',
  OFPTFFC_TOO_MANY: '1.5=13.10',
  OFPTMFC_BAD_CONFIG: '1.1=8.1',
  OFPTMFC_BAD_TABLE: '1.1=8.0',
  OFPTMFC_EPERM: '1.2=8.2',
} as const;

export type OpenFlowErrorName = keyof typeof ERRORS;

/** How an error goes on the wire in one version. */
export interface OpenFlowErrorNumber {
  /** 0 = the standard error; otherwise the vendor (experimenter) whose error it is */
  readonly vendor: number;
  /** the error's type; null for an experimenter error of OpenFlow 1.2 and later */
  readonly type: number | null;
  readonly code: number;
}

const VENDORS: Readonly<Record<string, number>> = { nx: 0x00002320, onf: 0x4f4e4600 };

/** The error's numbers in `version`, or null when that version cannot say it. */
export function openFlowErrorNumber(name: OpenFlowErrorName, version: OpenFlowVersion): OpenFlowErrorNumber | null {
  let found = '-';
  for (const entry of ERRORS[name].split(' ')) {
    const [since, number] = entry.split('=');
    if (Number(since!.slice(2)) + 1 <= version) {
      found = number!;
    }
  }
  if (found === '-') {
    return null;
  }
  const [first, second] = found.split(':');
  const vendor = second === undefined ? 0 : VENDORS[first!]!;
  const numbers = (second ?? first!).split('.').map(Number);
  return numbers.length === 2
    ? { vendor, type: numbers[0]!, code: numbers[1]! }
    : { vendor, type: null, code: numbers[0]! };
}

const NAMES = Object.keys(ERRORS) as OpenFlowErrorName[];

/** The name of the error with these numbers in `version`, or null. */
export function openFlowErrorName(number: OpenFlowErrorNumber, version: OpenFlowVersion): OpenFlowErrorName | null {
  const isSame = (name: OpenFlowErrorName): boolean => {
    const candidate = openFlowErrorNumber(name, version);
    return (
      candidate !== null &&
      candidate.vendor === number.vendor &&
      candidate.type === number.type &&
      candidate.code === number.code
    );
  };
  return NAMES.find(isSame) ?? null;
}

/** A request that OpenFlow forbids. `code` is the name of the error that a controller gets. */
export class OpenFlowError extends Error {
  readonly code: OpenFlowErrorName;
  /** where in the text that said the request, from 0; null = not known or no text */
  offset: number | null = null;

  constructor(code: OpenFlowErrorName, message: string) {
    super(message);
    this.name = 'OpenFlowError';
    this.code = code;
  }
}
