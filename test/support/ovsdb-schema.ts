/** A schema with every kind of type and constraint, and random transactions on it. */
import { type JsonObject, type JsonValue, stringifyJson } from '../../src/ovsdb/index.ts';

const optional = (key: JsonValue): JsonObject => ({ type: { key, min: 0, max: 1 } });
const many = (key: JsonValue, max: JsonValue = 'unlimited'): JsonObject => ({ type: { key, min: 0, max } });

export const TEST_SCHEMA: JsonObject = {
  name: 'T',
  version: '1.0.0',
  tables: {
    Root: {
      isRoot: true,
      maxRows: 6,
      indexes: [['name'], ['number', 'numbers']],
      columns: {
        name: { type: 'string' },
        number: { type: 'integer' },
        numbers: many('integer'),
        reals: many('real'),
        flag: { type: 'boolean' },
        id: { type: 'uuid' },
        words: many('string', 3),
        map: { type: { key: 'string', value: 'integer', min: 0, max: 'unlimited' } },
        choice: optional({ type: 'string', enum: ['set', ['x', 'y']] }),
        small: optional({ type: 'integer', minInteger: 1, maxInteger: 10 }),
        short: optional({ type: 'string', minLength: 2, maxLength: 4 }),
        fixed: { type: 'integer', mutable: false },
        maybe: optional('integer'),
        some: { type: { key: 'integer', min: 1, max: 3 } },
        passing: { type: 'integer', ephemeral: true },
        children: many({ type: 'uuid', refTable: 'Child' }),
        named: { type: { key: 'string', value: { type: 'uuid', refTable: 'Child' }, min: 0, max: 'unlimited' } },
        friends: many({ type: 'uuid', refTable: 'Child', refType: 'weak' }),
        friend: optional({ type: 'uuid', refTable: 'Child', refType: 'weak' }),
      },
    },
    Watcher: {
      isRoot: true,
      columns: {
        watched: { type: { key: { type: 'uuid', refTable: 'Child', refType: 'weak' }, min: 1, max: 2 } },
        by: {
          type: {
            key: { type: 'uuid', refTable: 'Child', refType: 'weak' },
            value: 'string',
            min: 0,
            max: 'unlimited',
          },
        },
      },
    },
    Child: {
      columns: {
        value: { type: 'integer' },
        children: many({ type: 'uuid', refTable: 'Child' }),
      },
    },
    Single: { isRoot: true, maxRows: 1, columns: { value: { type: 'integer' } } },
  },
};

/** Makes transactions; UUIDs come from a small pool, so that references meet. `random` gives unsigned 32-bit numbers. */
export class RandomTransactions {
  private readonly random: () => number;
  private inserted = 0;

  constructor(random: () => number) {
    this.random = random;
  }

  next(): JsonValue[] {
    const operations = Array.from({ length: 1 + this.below(3) }, () => this.operation());
    if (this.chance(30)) operations.push(...this.family());
    return operations;
  }

  private below(limit: number): number {
    return this.random() % limit;
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  private chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  private uuid(table = 'Child'): string {
    return `00000000-0000-4000-8000-00000${table.length}0000${(16 + this.below(24)).toString(16)}`;
  }

  /** A child, perhaps with children, and roots that keep it. */
  private family(): JsonValue[] {
    const uuid = this.uuid();
    const row = this.chance(30) ? { children: ['uuid', this.uuid()] } : { value: this.below(5) };
    const where = this.chance(50) ? [] : [['_uuid', '==', ['uuid', this.uuid('Root')]]];
    return [
      { op: 'insert', table: 'Child', uuid, row },
      { op: 'mutate', table: 'Root', where, mutations: [['children', 'insert', ['uuid', uuid]]] },
    ];
  }

  private operation(): JsonValue {
    const table = this.pick(['Root', 'Root', 'Child', 'Child', 'Watcher', 'Single']);
    switch (this.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.insert(table);
      case 4:
      case 5:
        return { op: 'update', table, where: this.where(table), row: this.row(table, 2) };
      case 6:
      case 7:
        return { op: 'mutate', table, where: this.where(table), mutations: this.mutations(table) };
      case 8:
        return { op: 'delete', table, where: this.where(table) };
      default:
        return this.chance(50)
          ? { op: 'select', table, where: this.where(table) }
          : { op: 'wait', table, where: this.where(table), columns: ['_uuid'], until: '!=', rows: [], timeout: 0 };
    }
  }

  private insert(table: string): JsonValue {
    const row = this.row(table, 4);
    if (table === 'Root' && this.chance(90)) {
      row.name = `n${this.below(12)}`;
      row.number = this.inserted++;
    }
    const json: JsonObject = { op: 'insert', table, uuid: this.uuid(table), row };
    return json;
  }

  private row(table: string, count: number): JsonObject {
    // One wrong value at a time: which of several is complained about first is anybody's choice.
    if (this.chance(2)) {
      const column = this.pick(COLUMNS[table]!);
      return { [column]: this.wrongValue(column) };
    }
    const row: JsonObject = {};
    for (let i = 0; i < count; i++) {
      const column = this.pick(COLUMNS[table]!);
      if (column === 'fixed' && this.chance(80)) continue;
      row[column] = this.value(column);
    }
    return row;
  }

  private where(table: string): JsonValue[] {
    if (this.chance(10)) return [];
    if (this.chance(60)) return [['_uuid', this.chance(80) ? '==' : '!=', ['uuid', this.uuid(table)]]];
    const column = this.pick(COLUMNS[table]!);
    return [[column, this.pick(['==', '!=', 'includes', 'excludes', '<', '<=', '>', '>=']), this.value(column)]];
  }

  private mutations(table: string): JsonValue[] {
    const column = this.pick(COLUMNS[table]!);
    const isNumber = ['number', 'numbers', 'reals', 'small', 'maybe', 'some', 'passing', 'value'].includes(column);
    if (isNumber && this.chance(70)) {
      const mutator = this.pick(['+=', '-=', '*=', '/=', '%=']);
      // `*=` with 0 ends Debian's ovsdb-server 3.1.
      return [[column, mutator, this.pick(mutator === '*=' ? [1, 2, 4] : [0, 1, 2, 4, -1, -4])]];
    }
    return [[column, this.pick(['insert', 'delete']), this.value(column)]];
  }

  private value(column: string): JsonValue {
    switch (column) {
      case 'name':
        return `n${this.below(12)}`;
      case 'number':
      case 'fixed':
      case 'passing':
      case 'value':
        return this.pick([0, 1, 2, 5, -3, 1000]);
      case 'flag':
        return this.chance(50);
      case 'id':
        return ['uuid', this.uuid()];
      case 'reals':
        return this.set(() => this.pick([0, 0.5, 1, 1.5, -2.25, 1024]), 3);
      case 'numbers':
        return this.set(() => this.below(5), 3);
      case 'words':
        return this.set(() => this.pick(['a', 'b', 'c d', 'é', '']), 3);
      case 'map':
        return this.map(['p', 'q', 'r'], () => this.below(3));
      case 'choice':
        return this.set(() => this.pick(['x', 'y']), 1);
      case 'small':
        return this.set(() => 1 + this.below(10), 1);
      case 'short':
        return this.set(() => this.pick(['ab', 'éééé', 'abc']), 1);
      case 'maybe':
        return this.set(() => this.below(4), 1);
      case 'some':
        return ['set', [this.below(2), 2 + this.below(3), 5].slice(this.below(3))];
      case 'named':
        return [
          'map',
          Array.from({ length: this.below(3) }, () => [this.pick(['p', 'q', 'r']), ['uuid', this.uuid()]]),
        ];
      case 'by':
        return this.map([['uuid', this.uuid()]], () => this.pick(['p', 'q']));
      case 'friend':
        return this.set(() => ['uuid', this.uuid()], 1);
      default:
        return this.set(() => ['uuid', this.uuid()], 2);
    }
  }

  private wrongValue(column: string): JsonValue {
    const wrong: JsonValue[] = [
      null,
      {},
      [],
      'x',
      1.5,
      true,
      ['set', 1],
      ['set', ['a', 'a']],
      ['map', [['a']]],
      [
        'map',
        [
          ['p', 1],
          ['p', 1],
        ],
      ],
    ];
    wrong.push(
      ['set', [1, 2, 3, 4]],
      ['set', ['a', 'b', 'c', 'd']],
      0,
      11,
      'abcde',
      ['uuid', 'x'],
      ['uuid', 1],
      ['named-uuid', 1],
    );
    return column === 'fixed' ? 1 : this.pick(wrong);
  }

  private map(keys: readonly JsonValue[], value: () => JsonValue): JsonValue {
    return ['map', keys.filter(() => this.chance(50)).map((key): JsonValue => [key, value()])];
  }

  private set(element: () => JsonValue, max: number): JsonValue {
    const elements = Array.from({ length: this.below(max + 1) }, element);
    return ['set', [...new Map(elements.map((each) => [stringifyJson(each), each])).values()]];
  }
}

const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  Root: [
    'name',
    'number',
    'numbers',
    'reals',
    'flag',
    'id',
    'words',
    'map',
    'choice',
    'small',
    'short',
    'fixed',
    'maybe',
    'some',
    'passing',
    'children',
    'children',
    'named',
    'friends',
    'friend',
  ],
  Watcher: ['watched', 'by'],
  Child: ['value', 'children'],
  Single: ['value'],
};
