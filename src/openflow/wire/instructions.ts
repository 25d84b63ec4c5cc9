/**
 * Instructions of OpenFlow 1.1 and later (OpenFlow 1.5 section 7.2.5), which in lists of actions here are actions.
 *
 * On the wire each instruction comes once, in any order; in a list they stand in the order of execution, with what
 * `apply_actions` applies in its place. OpenFlow 1.0 has no instructions: its flows have actions only.
 */
import type { OpenFlowAction } from '../actions.ts';
import { OpenFlowError } from '../errors.ts';
import type { ActionContext } from './action-context.ts';
import { readActions } from './actions-decode.ts';
import { type ActionEncodeContext, writeActions } from './actions-encode.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

const GOTO_TABLE = 1;
const WRITE_METADATA = 2;
const WRITE_ACTIONS = 3;
const APPLY_ACTIONS = 4;
const CLEAR_ACTIONS = 5;
const METER = 6;
const EXPERIMENTER = 0xffff;
/** Bytes behind type and length; 4 at least for those with actions. */
const LENGTHS: Readonly<Record<number, number>> = {
  [GOTO_TABLE]: 4,
  [WRITE_METADATA]: 20,
  [WRITE_ACTIONS]: 4,
  [APPLY_ACTIONS]: 4,
  [CLEAR_ACTIONS]: 4,
  [METER]: 4,
};
const EXECUTION_ORDER = [METER, APPLY_ACTIONS, CLEAR_ACTIONS, WRITE_ACTIONS, WRITE_METADATA, GOTO_TABLE] as const;
const OF13 = 4;
const OF15 = 6;

/** Reads what is left of `reader` as a flow's actions: instructions, or in OpenFlow 1.0 actions. Throws OFPBIC and OFPBAC errors. */
export function readInstructions(reader: ByteReader, context: ActionContext): OpenFlowAction[] {
  if (context.version === 1) {
    const actions = readActions(reader, context);
    const metadata = actions.findIndex((action) => action.type === 'write_metadata');
    if (metadata >= 0 && metadata < actions.length - 1) {
      throw new OpenFlowError('OFPBAC_UNSUPPORTED_ORDER', 'write_metadata must be the last action');
    }
    return actions;
  }
  if (reader.remaining % 8 !== 0) {
    throw new OpenFlowError(
      'OFPBIC_BAD_LEN',
      `OpenFlow message instructions length ${reader.remaining} is not a multiple of 8`,
    );
  }
  const found = new Map<number, readonly OpenFlowAction[]>();
  while (reader.remaining > 0) {
    const type = reader.u16();
    const length = reader.u16();
    if (length < 8 || length % 8 !== 0 || length - 4 > reader.remaining) {
      throw new OpenFlowError('OFPBIC_BAD_LEN', `instruction ${type} of ${length} bytes`);
    }
    const body = reader.sub(length - 4, 'OFPBIC_BAD_LEN');
    checkType(type, body.remaining, context.version);
    if (found.has(type)) {
      throw new OpenFlowError('OFPBIC_DUP_INST', `instruction ${type} is there twice`);
    }
    found.set(type, readInstruction(type, body, context));
  }
  return inOrder(EXECUTION_ORDER.flatMap((type): readonly OpenFlowAction[] => found.get(type) ?? []));
}

function checkType(type: number, length: number, version: number): void {
  if (type === EXPERIMENTER) {
    throw new OpenFlowError('OFPBIC_BAD_EXPERIMENTER', 'experimenter instruction');
  }
  const expected = LENGTHS[type];
  // OpenFlow 1.5 made an action of the meter instruction.
  if (expected === undefined || (type === METER && (version < OF13 || version >= OF15))) {
    throw new OpenFlowError('OFPBIC_UNKNOWN_INST', `unknown instruction ${type}`);
  }
  const isList = type === APPLY_ACTIONS || type === WRITE_ACTIONS;
  if (isList ? length < expected : length !== expected) {
    throw new OpenFlowError('OFPBIC_BAD_LEN', `instruction ${type} of ${length + 4} bytes`);
  }
}

function readInstruction(type: number, body: ByteReader, context: ActionContext): readonly OpenFlowAction[] {
  switch (type) {
    case GOTO_TABLE:
      return [{ type: 'goto_table', table: body.u8() }];
    case WRITE_METADATA:
      body.skip(4);
      return [{ type: 'write_metadata', value: body.u64(), mask: body.u64() }];
    case WRITE_ACTIONS:
      body.skip(4);
      return [{ type: 'write_actions', actions: readActions(body, context, 'write_actions') }];
    case APPLY_ACTIONS:
      body.skip(4);
      return readActions(body, context);
    case CLEAR_ACTIONS:
      return [{ type: 'clear_actions' }];
    default:
      return [{ type: 'meter', meter: body.u32() }];
  }
}

/** Puts write_metadata, which is an action of Nicira's too, behind everything that it must be behind. */
function inOrder(actions: OpenFlowAction[]): OpenFlowAction[] {
  const index = actions.findIndex((action) => action.type === 'write_metadata');
  if (index < 0 || index === actions.length - 1) {
    return actions;
  }
  const metadata = actions[index]!;
  const others: OpenFlowAction[] = actions.filter((action) => action.type !== 'write_metadata');
  const before = others.findIndex((action) => action.type === 'goto_table');
  others.splice(before < 0 ? others.length : before, 0, metadata);
  return others;
}

/** Writes a flow's actions as instructions, or for OpenFlow 1.0 as actions. What the version cannot say is left out, as in Open vSwitch. */
export function writeInstructions(
  writer: ByteWriter,
  actions: readonly OpenFlowAction[],
  context: ActionEncodeContext,
): void {
  const { version } = context;
  if (version === 1) {
    writeActions(writer, actions, context);
    return;
  }
  for (const action of actions) {
    if (action.type === 'meter' && version >= OF13 && version < OF15) {
      instruction(writer, METER, () => writer.u32(action.meter));
    }
  }
  const start = writer.length;
  instruction(writer, APPLY_ACTIONS, () => {
    writer.zeros(4);
    writeActions(writer, actions, context);
  });
  if (writer.length === start + 8) {
    writer.cut(start);
  }
  for (const action of actions) {
    switch (action.type) {
      case 'clear_actions':
        instruction(writer, CLEAR_ACTIONS, () => writer.zeros(4));
        break;
      case 'write_actions':
        if (action.actions.length > 0) {
          instruction(writer, WRITE_ACTIONS, () => {
            writer.zeros(4);
            writeActions(writer, action.actions, context);
          });
        }
        break;
      case 'write_metadata':
        instruction(writer, WRITE_METADATA, () => {
          writer.zeros(4);
          writer.u64(action.value);
          writer.u64(action.mask);
        });
        break;
      case 'goto_table':
        instruction(writer, GOTO_TABLE, () => {
          writer.u8(action.table);
          writer.zeros(3);
        });
        break;
      default:
    }
  }
}

function instruction(writer: ByteWriter, type: number, write: () => void): void {
  const start = writer.length;
  writer.u16(type);
  writer.u16(0);
  write();
  writer.patch16(start + 2, writer.length - start);
}
