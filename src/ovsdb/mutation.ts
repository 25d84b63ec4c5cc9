/** Mutations (RFC 7047 section 5.1 `<mutation>`): arithmetic on numbers, insert and delete on sets and maps. */
import { type Atom, checkAtom, normalizeInteger, type ResolveName } from './atom.ts';
import { checkDatumCount, createDatum, type Datum, parseDatum, subtractDatums, unionDatums } from './datum.ts';
import { constraintViolation, OvsdbError, syntaxError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { type ColumnSchema, requireColumn, type TableSchema } from './schema.ts';
import { baseType, type ColumnType, describeType, isScalar, scalarType } from './types.ts';

const MUTATORS = ['+=', '-=', '*=', '/=', '%=', 'insert', 'delete'] as const;
type Mutator = (typeof MUTATORS)[number];
type Arithmetic = Exclude<Mutator, 'insert' | 'delete'>;

export interface Mutation {
  readonly column: ColumnSchema;
  readonly mutator: Mutator;
  readonly argument: Datum;
}

/** Parses a `<mutation>`. Throws `OvsdbError`. */
export function parseMutation(json: JsonValue, table: TableSchema, resolve: ResolveName | null): Mutation {
  if (!Array.isArray(json) || json.length !== 3 || typeof json[0] !== 'string' || typeof json[1] !== 'string') {
    throw syntaxError('Parse error in mutation.', json);
  }
  const [columnName, mutatorName, argumentJson] = json;
  const column = requireColumn(table, columnName, json);
  if (!column.mutable) {
    throw new OvsdbError(
      'constraint violation',
      `Cannot mutate immutable column ${column.name} in table ${table.name}.`,
      json,
    );
  }
  const mutator = MUTATORS.find((name) => name === mutatorName);
  if (mutator === undefined) throw new OvsdbError('unknown mutator', `No mutator named ${mutatorName as string}.`);
  if (!isApplicable(mutator, column.type)) {
    throw syntaxError(
      `Type mismatch: "${mutator}" operator may not be applied to column ${column.name} of type ${describeType(column.type)}.`,
      json,
    );
  }
  return { column, mutator, argument: parseArgument(argumentJson!, mutator, column.type, resolve) };
}

function isApplicable(mutator: Mutator, type: ColumnType): boolean {
  if (mutator === 'insert' || mutator === 'delete') return !isScalar(type);
  if (type.value !== null) return false;
  return type.key.kind === 'integer' || (type.key.kind === 'real' && mutator !== '%=');
}

function parseArgument(json: JsonValue, mutator: Mutator, type: ColumnType, resolve: ResolveName | null): Datum {
  if (mutator !== 'insert' && mutator !== 'delete')
    return parseDatum(json, scalarType(baseType(type.key.kind)), resolve);
  const wanted: ColumnType = { ...type, min: 0 };
  if (mutator === 'insert' || type.value === null) return parseDatum(json, wanted, resolve);
  try {
    return parseDatum(json, wanted, resolve);
  } catch {
    // From a map one may delete by keys alone.
    return parseDatum(json, { ...wanted, value: null }, resolve);
  }
}

/** The datum after the mutation. Throws `OvsdbError`. */
export function applyMutation(datum: Datum, mutation: Mutation): Datum {
  const { mutator, argument } = mutation;
  const { type } = mutation.column;
  if (mutator === 'insert' || mutator === 'delete') {
    const result = mutator === 'insert' ? unionDatums(datum, argument) : subtractDatums(datum, argument);
    checkDatumCount(result, type);
    return result;
  }
  const operand = argument.keys[0] as number | bigint;
  const keys: Atom[] = datum.keys.map((key) =>
    type.key.kind === 'integer'
      ? integerArithmetic(key as number | bigint, mutator, operand)
      : realArithmetic(Number(key), mutator, Number(operand)),
  );
  let result: Datum;
  try {
    result = createDatum(keys, null);
  } catch {
    throw constraintViolation(`Result of "${mutator}" operation contains duplicates.`);
  }
  for (const key of result.keys) checkAtom(key, type.key);
  return result;
}

function integerArithmetic(a: number | bigint, mutator: Arithmetic, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number' && (mutator === '+=' || mutator === '-=')) {
    const sum = mutator === '+=' ? a + b : a - b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const result = normalizeInteger(bigArithmetic(BigInt(a), mutator, BigInt(b)));
  if (result === null) throw new OvsdbError('range error', `Result of "${mutator}" operation is out of range.`);
  return result;
}

function bigArithmetic(a: bigint, mutator: Arithmetic, b: bigint): bigint {
  if ((mutator === '/=' || mutator === '%=') && b === 0n) throw new OvsdbError('domain error', 'Division by zero.');
  switch (mutator) {
    case '+=':
      return a + b;
    case '-=':
      return a - b;
    case '*=':
      return a * b;
    case '/=':
      return a / b;
    case '%=':
      return a % b;
  }
}

function realArithmetic(a: number, mutator: Arithmetic, b: number): number {
  if (mutator === '/=' && b === 0) throw new OvsdbError('domain error', 'Division by zero.');
  let result: number;
  switch (mutator) {
    case '+=':
      result = a + b;
      break;
    case '-=':
      result = a - b;
      break;
    case '*=':
      result = a * b;
      break;
    default:
      result = a / b;
  }
  if (!Number.isFinite(result)) {
    throw new OvsdbError('range error', `Result of "${mutator}" operation is out of range.`);
  }
  return result === 0 ? 0 : result;
}
