/** Conditions (RFC 7047 section 5.1 `<condition>`; ovsdb-server(7) section 5.1: also booleans, and order on optional numbers). */
import type { Atom, ResolveName } from './atom.ts';
import { type Datum, datumsEqual, excludesAll, includesAll, parseDatum } from './datum.ts';
import { OvsdbError, syntaxError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { type Row, readColumn } from './row.ts';
import { type ColumnSchema, requireColumn, type TableSchema, UUID_INDEX } from './schema.ts';
import { type ColumnType, describeType, isOptional, isScalar } from './types.ts';

const FUNCTIONS = ['<', '<=', '==', '!=', '>=', '>', 'includes', 'excludes'] as const;
type ConditionFunction = (typeof FUNCTIONS)[number];

interface Clause {
  readonly column: ColumnSchema;
  readonly function: ConditionFunction;
  readonly argument: Datum;
}

export type Condition = readonly (Clause | boolean)[];

/** Parses a `where`. Throws `OvsdbError`. */
export function parseCondition(
  json: readonly JsonValue[],
  table: TableSchema,
  resolve: ResolveName | null = null,
): Condition {
  return json.map((clause) => (typeof clause === 'boolean' ? clause : parseClause(clause, table, resolve)));
}

function parseClause(json: JsonValue, table: TableSchema, resolve: ResolveName | null): Clause {
  if (!Array.isArray(json) || json.length !== 3 || typeof json[0] !== 'string' || typeof json[1] !== 'string') {
    throw syntaxError('Parse error in condition.', json);
  }
  const [columnName, functionName, argumentJson] = json;
  const column = requireColumn(table, columnName, json);
  const found = FUNCTIONS.find((name) => name === functionName);
  if (found === undefined) throw new OvsdbError('unknown function', `No function named ${functionName as string}.`);
  const argument = parseDatum(argumentJson!, argumentType(column, found, json), resolve);
  return { column, function: found, argument };
}

function argumentType(column: ColumnSchema, name: ConditionFunction, json: JsonValue): ColumnType {
  const { type } = column;
  switch (name) {
    case '==':
    case '!=':
      return type;
    case 'includes':
    case 'excludes':
      return isScalar(type) ? type : { ...type, min: 0 };
    default: {
      const isNumber = type.key.kind === 'integer' || type.key.kind === 'real';
      if (isNumber && (isScalar(type) || isOptional(type))) return { ...type, min: 1, max: 1 };
      throw syntaxError(
        `Type mismatch: "${name}" operator may not be applied to column ${column.name} of type ${describeType(type)}.`,
        json,
      );
    }
  }
}

/** Whether all clauses hold. */
export function matchesAll(row: Row, condition: Condition): boolean {
  return condition.every((clause) => clauseHolds(row, clause));
}

/** Whether one of the clauses holds, or there is none: what monitors ask. */
export function matchesAny(row: Row, condition: Condition): boolean {
  return condition.length === 0 || condition.some((clause) => clauseHolds(row, clause));
}

/** The UUID that a row must have to match all clauses, or null if the condition does not fix it. */
export function requiredUuid(condition: Condition): string | null {
  for (const clause of condition) {
    if (typeof clause === 'boolean' || clause.column.index !== UUID_INDEX) continue;
    if (clause.function === '==' || clause.function === 'includes') return clause.argument.keys[0] as string;
  }
  return null;
}

function clauseHolds(row: Row, clause: Clause | boolean): boolean {
  if (typeof clause === 'boolean') return clause;
  const datum = readColumn(row, clause.column);
  const { argument } = clause;
  switch (clause.function) {
    case '==':
      return datumsEqual(datum, argument);
    case '!=':
      return !datumsEqual(datum, argument);
    case 'includes':
      return includesAll(datum, argument);
    case 'excludes':
      return excludesAll(datum, argument);
    default:
      return datum.keys.length === 1 && ordered(datum.keys[0]!, clause.function, argument.keys[0]!);
  }
}

function ordered(a: Atom, name: '<' | '<=' | '>=' | '>', b: Atom): boolean {
  switch (name) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
    case '>':
      return a > b;
  }
}
