import { expect, test } from 'vitest';
import { describeFileLimit } from '../../../broker/limits/file-limit.js';

const limits = (soft: string) =>
  `Limit                     Soft Limit           Hard Limit           Units
Max processes             7823                 7823                 processes
Max open files            ${soft.padEnd(20)} 4096                 files
Max locked memory         8388608              8388608              bytes
`;

test('fewer open files than sockets are told with what to do; enough, unlimited or unknown are not', () => {
  expect(describeFileLimit(limits('4096'), 20_000)).toMatch(/4096 open files.*"ulimit -n 20100".*to 3996\.$/);
  for (const fine of [limits('20000'), limits('unlimited'), '']) {
    expect(describeFileLimit(fine, 20_000)).toBeUndefined();
  }
});
