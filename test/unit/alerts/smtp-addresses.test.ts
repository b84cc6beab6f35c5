import { expect, it } from 'vitest';
import { parseAddresses } from '../../../alerts/smtp-addresses.js';

it('reads names with commas in quotes and plain addresses, each once', () => {
  expect(parseAddresses('MAIL_TO', '"张, 老师" <zhang@x.example>, duty@x.example,DUTY@x.example')).toEqual([
    { name: '张, 老师', address: 'zhang@x.example' },
    { name: '', address: 'DUTY@x.example' },
  ]);
});

it.each(['nobody', 'a@x.example, b at x.example', 'a@x.example\r\nBcc: all', ', ,'])(
  'refuses %j with the setting',
  (text) => {
    expect(() => parseAddresses('MAIL_TO', text)).toThrow(/^MAIL_TO has /);
  },
);
