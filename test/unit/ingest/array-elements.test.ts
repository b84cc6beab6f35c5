import { expect, test } from 'vitest';
import { arrayElements } from '../../../ingest/quarantine/array-elements.js';

test.each([
  ['[1,2,3]', ['1', '2', '3']],
  ['[{"a":[1,{"b":"],["}]},"x,]\\"[",{}]', ['{"a":[1,{"b":"],["}]}', '"x,]\\"["', '{}']],
  [' [ "中,文" , [ ] ] ', [' "中,文" ', ' [ ] ']],
  ['["\\\\",2]', ['"\\\\"', '2']],
])('%s', (json, elements) => {
  expect(arrayElements(Buffer.from(json)).map(String)).toEqual(elements);
});

test('an element nested a hundred thousand deep is found like any other', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(arrayElements(Buffer.from(`[1,${deep},2]`)).map(String)).toEqual(['1', deep, '2']);
});
