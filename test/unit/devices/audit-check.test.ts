import { expect, test } from 'vitest';
import { ChainCheck } from '../../../devices/audit-check.js';
import type { ChainFacts } from '../../../devices/audit-check.js';
import { chainStart, linkHash, writeEvent } from '../../../devices/audit.js';
import type { AuditEvent, AuditRecord } from '../../../devices/audit.js';
import { canonicalJson } from '../../../devices/canonical-json.js';

const event = (i: number): AuditEvent => ({
  at: 1000 * i,
  by: '@wang',
  what: 'rule.mode',
  id: `r${i}`,
  after: 'off',
});

function chain(count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let seq = 1; seq <= count; seq++) {
    const prev = records.at(-1)?.hash ?? chainStart.hash;
    const hash = linkHash(seq, prev, writeEvent(event(seq)).digest);
    records.push({ ...event(seq), seq, prev, hash });
  }
  return records;
}

const good = chain(10);
const last = good.at(-1) ?? chainStart;
const anchor = (seq: number, at = 0) => ({ seq, hash: good[seq - 1]?.hash ?? '', at });

function problems(records: readonly AuditRecord[], facts: Partial<ChainFacts> = {}): string[] {
  const check = new ChainCheck({ base: chainStart, head: last, anchors: [anchor(7)], ...facts });
  for (const record of records) check.add(record);
  return check.end().problems.map(({ kind, seq }) => `${kind} ${seq}`);
}

const at = (seq: number, wrong: Partial<AuditRecord>) =>
  good.map((record) => (record.seq === seq ? { ...record, ...wrong } : record));

/** As who can write to Redis would: all hashes from there on made anew. */
function rewritten(from: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (const record of good) {
    if (record.seq < from) {
      records.push(record);
      continue;
    }
    const prev = records.at(-1)?.hash ?? chainStart.hash;
    const changed = { ...event(record.seq), by: record.seq === from ? '@li' : '@wang' };
    records.push({
      ...changed,
      seq: record.seq,
      prev,
      hash: linkHash(record.seq, prev, writeEvent(changed).digest),
    });
  }
  return records;
}

test.each<[string, readonly AuditRecord[], string[], Partial<ChainFacts>?]>([
  ['nothing', good, []],
  ['a word changed', at(4, { by: '@li' }), ['changed 4']],
  ['a field added', at(4, { why: 'x' }), ['changed 4']],
  ['a hash changed', at(4, { hash: 'f'.repeat(64) }), ['changed 4', 'rewritten 5']],
  ['one changed with its hash', rewritten(4).map((r, i) => (i === 3 ? r : (good[i] ?? r))), ['rewritten 5']],
  ['all from one on rewritten', rewritten(4), ['rewritten 7', 'rewritten 10']],
  ['all rewritten, and the noted end too', rewritten(4), ['rewritten 7'], { head: rewritten(4).at(-1) }],
  ['one removed', good.filter(({ seq }) => seq !== 5), ['removed 5']],
  ['some removed', good.filter(({ seq }) => seq < 4 || seq > 6), ['removed 4']],
  ['the first removed', good.slice(1), ['removed 1']],
  ['one doubled', [...good.slice(0, 5), ...good.slice(4)], ['inserted 5']],
  [
    'two changed over',
    [...good.slice(0, 3), ...good.slice(4, 5), ...good.slice(3, 4), ...good.slice(5)],
    ['removed 4', 'inserted 4'],
  ],
  [
    'one put at the end',
    [
      ...good,
      { ...event(11), seq: 11, prev: last.hash, hash: linkHash(11, last.hash, writeEvent(event(11)).digest) },
    ],
    ['rewritten 11'],
  ],
  ['the end cut off', good.slice(0, 8), ['truncated 9']],
  ['the end cut off, and noted so', good.slice(0, 5), ['truncated 6'], { head: good[4] }],
  ['everything gone', [], ['truncated 1'], { head: undefined }],
  ['the beginning removed by age', good.slice(4), [], { base: good[3] ?? last }],
  ['a beginning that is another', good.slice(4), ['rewritten 5'], { base: { seq: 4, hash: 'a'.repeat(64) } }],
  [
    'the beginning removed too early',
    good.slice(7),
    ['removed_early 7'],
    { base: good[6] ?? last, anchors: [anchor(2, 2500), anchor(7, 7500)], keptSince: 2000 },
  ],
  [
    'the beginning removed in time',
    good.slice(7),
    [],
    { base: good[6] ?? last, anchors: [anchor(2, 2500), anchor(7, 7500)], keptSince: 8000 },
  ],
])('%s', (_what, records, found, facts) => {
  expect(problems(records, facts)).toEqual(found);
});

test('one JSON text whatever the order of the keys, and what is undefined is not in it', () => {
  expect(canonicalJson({ b: [1, { d: undefined, c: '字' }], a: null })).toBe('{"a":null,"b":[1,{"c":"字"}]}');
  expect(writeEvent({ ...event(1), device: undefined }).body).toBe(writeEvent(event(1)).body);
});
